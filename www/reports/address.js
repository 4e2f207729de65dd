// SPDX-License-Identifier: BSD-2-Clause
// What is chosen, in the address: #report=sales&job=jobs/…&format=xlsx&p.from=2026-11-01. The values of
// a form have names that begin with "p."; one without text means that nothing was entered.

const JOB = /^jobs\/[\w-]+\/[\w.-]+$/;

// {name, url, values: name → list, format}; what is not there is empty.
export function readAddress() {
  const query = new URLSearchParams(location.hash.slice(1));
  const values = new Map();
  const url = query.get("job") || "";

  for (const [key, value] of query) {
    if (!key.startsWith("p.")) continue;
    const name = key.slice(2);
    if (!values.has(name)) values.set(name, []);
    if (value !== "") values.get(name).push(value);
  }
  return {
    name: query.get("report") || "",
    url: JOB.test(url) ? url : "",
    values,
    format: query.get("format") || "",
  };
}

export function writeAddress({ name, url, values, format }) {
  const query = new URLSearchParams({ report: name });

  if (url) query.set("job", url);
  if (format) query.set("format", format);
  for (const [key, list] of values || []) {
    for (const value of list.length > 0 ? list : [""]) query.append(`p.${key}`, value);
  }
  return `#${query}`;
}
