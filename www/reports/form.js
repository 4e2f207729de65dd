// SPDX-License-Identifier: BSD-2-Clause
// The form of a report, made of its parameters: fields, defaults, errors beside them. Values go in and
// out as the server writes them: name → list of texts. Knows nothing of jobs.

import { $, make, setShown } from "./dom.js";

const FORMATS = { xlsx: "Spreadsheet (XLSX)", csv: "CSV", json: "JSON" };
const INPUTS = {
  date: "date",
  datetime: "datetime-local",
  integer: "number",
  number: "number",
  text: "text",
};
// More choices than this get a field that narrows them down.
const CHOICES_AT_A_GLANCE = 12;
const TEXT_MAX = 1000;

let fields = []; // {parameter, element, inputs, error}

// ---------------------------------------------------------------- fields

// Several defaults come as a list, or as one in JSON.
function defaultsOf(parameter) {
  if (parameter.default === null || parameter.default === undefined) return [];
  if (Array.isArray(parameter.default)) return parameter.default;
  if (parameter.type !== "choices") return [parameter.default];
  try {
    return JSON.parse(parameter.default);
  } catch {
    return [parameter.default];
  }
}

function makeInput(parameter, value) {
  const input = make("input", { type: INPUTS[parameter.type] || "text" });

  if (parameter.type === "date") input.max = "9999-12-31";
  if (parameter.type === "integer") input.step = "1";
  if (parameter.type === "number") input.step = "any";
  if (parameter.type === "text") input.maxLength = TEXT_MAX;
  if (parameter.type === "datetime") {
    value = value.replace(" ", "T").replace(/\.\d+$/, "");
    input.max = "9999-12-31T23:59:59";
    // Seconds are asked for only where there are some.
    if (/T\d\d:\d\d:(?!00)/.test(value)) input.step = "1";
    else value = value.slice(0, 16);
  }
  input.value = value;
  return input;
}

function makeSelect(parameter, value) {
  const select = make("select", {});
  const isKnown = parameter.choices.some((choice) => choice.value === value);

  if (!parameter.required) select.append(make("option", { value: "" }, "(any)"));
  else if (!isKnown) select.append(make("option", { value: "" }, "Choose …"));
  for (const choice of parameter.choices) {
    select.append(make("option", { value: choice.value }, choice.label));
  }
  select.value = isKnown ? value : "";
  return select;
}

// A label and one input.
function makeSingle(parameter, values, id) {
  const value = values.length > 0 ? String(values[0]) : "";
  const input = parameter.type === "choice" ? makeSelect(parameter, value) : makeInput(parameter, value);

  input.id = id;
  input.required = parameter.required;
  return { inputs: [input], element: make("div", { class: "question" },
    make("label", { for: id }, parameter.label, optionalMark(parameter)), input) };
}

function optionalMark(parameter) {
  return parameter.required ? "" : make("span", { class: "optional" }, " (optional)");
}

function makeFilter(list, id) {
  const filter = make("input", { type: "search", "aria-controls": id, "aria-label": "Narrow the choices",
    placeholder: "Narrow the choices", autocomplete: "off" });

  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLocaleLowerCase();
    for (const item of list.children) {
      setShown(item, item.textContent.toLocaleLowerCase().includes(wanted) ||
        item.querySelector("input").checked);
    }
  });
  // Enter is for narrowing here, not for making the report.
  filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  return filter;
}

// Several of many: check boxes.
function makeSeveral(parameter, values, id) {
  const list = make("div", { class: "boxes", id: `${id}-list` });
  const element = make("fieldset", { class: "question several", id },
    make("legend", {}, parameter.label, optionalMark(parameter)));
  const inputs = parameter.choices.map((choice) => {
    const box = make("input", { type: "checkbox", value: choice.value });
    box.checked = values.includes(choice.value);
    list.append(make("label", {}, box, make("span", {}, choice.label)));
    return box;
  });

  if (inputs.length > CHOICES_AT_A_GLANCE) element.append(makeFilter(list, list.id));
  element.append(list);
  return { inputs, element };
}

function makeField(parameter, values, index) {
  const id = `field-${index}`;
  const makeInputs = parameter.type === "choices" ? makeSeveral : makeSingle;
  const { element, inputs } = makeInputs({ choices: [], ...parameter }, values, id);
  const error = make("p", { class: "field-error", id: `${id}-error`, hidden: "" });
  const field = { parameter, element, inputs, error };

  element.append(error);
  element.addEventListener("input", () => setError(field, ""));
  return field;
}

function makeFormat(name, isChosen) {
  const radio = make("input", { type: "radio", name: "format", value: name });
  radio.checked = isChosen;
  return make("label", {}, radio, make("span", {}, FORMATS[name] || name.toUpperCase()));
}

// ---------------------------------------------------------------- errors

function setError(field, text) {
  const described = field.parameter.type === "choices" ? [field.element] : field.inputs;

  field.error.textContent = text;
  setShown(field.error, text !== "");
  for (const element of described) {
    if (text) {
      element.setAttribute("aria-invalid", "true");
      element.setAttribute("aria-describedby", field.error.id);
    } else {
      element.removeAttribute("aria-invalid");
      element.removeAttribute("aria-describedby");
    }
  }
}

function whatIsWrong({ parameter, inputs }) {
  const [input] = inputs;
  const validity = parameter.type === "choices" ? {} : input.validity;

  if (parameter.type === "choices") {
    return parameter.required && !inputs.some((box) => box.checked) ? "Choose at least one." : "";
  }
  if (validity.badInput) return parameter.type.startsWith("date") ? "Give the whole date." : "Give a number.";
  if (validity.valueMissing) return parameter.type === "choice" ? "Choose one." : "This is needed.";
  if (validity.stepMismatch && parameter.type === "integer") return "Give a whole number.";
  if (validity.rangeOverflow) return "This is too late.";
  if (validity.tooLong) return "This is too long.";
  return "";
}

// ---------------------------------------------------------------- public

// Show a report's form with these values (name → list), and its defaults where there are none.
export function showForm(report, formats, values, format) {
  fields = report.parameters.map((parameter, index) =>
    makeField(parameter, values.get(parameter.name) || defaultsOf(parameter), index));
  $("fields").replaceChildren(...fields.map((field) => field.element));
  const chosen = formats.includes(format) ? format : formats[0];
  $("formats").replaceChildren(...formats.map((name) => makeFormat(name, name === chosen)));
  setShown($("form-problem"), false);
}

// What was entered: {values: name → list, format}; null, with the first wrong field focused, if
// something is wrong.
export function readForm() {
  const values = new Map();
  let firstWrong = null;

  setShown($("form-problem"), false);
  for (const field of fields) {
    const wrong = whatIsWrong(field);
    setError(field, wrong);
    if (wrong && !firstWrong) firstWrong = field;
    const entered = field.parameter.type === "choices" ?
      field.inputs.filter((box) => box.checked).map((box) => box.value) :
      field.inputs.map((input) => input.value).filter((value) => value !== "");
    if (field.parameter.type === "datetime") {
      entered.forEach((value, index) => {
        entered[index] = value.replace("T", " ") + (value.length === 16 ? ":00" : "");
      });
    }
    values.set(field.parameter.name, entered);
  }
  if (firstWrong) {
    firstWrong.inputs[0]?.focus();
    return null;
  }
  return { values, format: new FormData($("form")).get("format") };
}

// What the server said about the values: beside the field that it names ("From: expected …"), or below
// them all.
export function showFormProblem(text) {
  const named = fields.filter((field) => text.startsWith(`${field.parameter.label}: `))
    .sort((a, b) => b.parameter.label.length - a.parameter.label.length)[0];

  if (named) {
    const said = text.slice(named.parameter.label.length + 2);
    setError(named, `${said.charAt(0).toUpperCase()}${said.slice(1)}${said.endsWith(".") ? "" : "."}`);
    named.inputs[0]?.focus();
  } else {
    $("form-problem").textContent = text;
    setShown($("form-problem"), true);
  }
}

// As JSON for the server: lists only where there may be several. An empty text says that none is meant,
// not the default, which an absent value would stand for.
export function asParameters(report, values) {
  const parameters = {};

  for (const parameter of report.parameters) {
    const entered = values.get(parameter.name) || [];
    const [first = ""] = entered;
    parameters[parameter.name] = parameter.type === "choices" && entered.length > 0 ? entered : first;
  }
  return parameters;
}

// The values that a job was made with, read back from what it tells people (label → value). Null for
// those that cannot be told for sure.
export function valuesOfJob(report, job) {
  const told = new Map((job.parameters || []).map(({ label, value }) => [label, value]));
  const values = new Map();

  for (const parameter of report.parameters) {
    const text = told.get(parameter.label);
    if (text === undefined) return null;
    const parts = text === "" ? [] : parameter.type === "choices" ? text.split(/,\s*/) : [text];
    const found = parts.map((part) => {
      if (!parameter.choices) return part;
      const choice = parameter.choices.find(({ value, label }) => value === part || label === part);
      return choice ? choice.value : null;
    });
    if (found.includes(null)) return null;
    values.set(parameter.name, found);
  }
  return values;
}
