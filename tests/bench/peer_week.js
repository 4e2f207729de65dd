// SPDX-License-Identifier: BSD-2-Clause
//
// A week of calendars as one writes it in Node.js: all calendars fetched at the same time over kept
// connections, parsed, and summed up. It answers with less than the plugin calendar does: sums by
// day, by kind and by person, and the list of events; no overlaps, no working hours, no time zones.
// One process for each processor.
//
//     node peer_week.js PORT PROCESSES UPSTREAM_PORT PATH …
"use strict";

const cluster = require("cluster");
const http = require("http");

const [port, processes, upstreamPort, ...paths] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });

function fetchPage(path) {
    return new Promise((resolve, reject) => {
        http.get({ host: "127.0.0.1", port: upstreamPort, path, agent }, (answer) => {
            let text = "";
            answer.setEncoding("utf8");
            answer.on("data", (piece) => { text += piece; });
            answer.on("end", () => resolve(JSON.parse(text).items));
        }).on("error", reject);
    });
}

function sumUp(events) {
    const days = {}, people = {}, kinds = { one_off: 0, recurring: 0, own: 0 }, list = [];
    for (const event of events) {
        const start = Date.parse(event.start.dateTime);
        const minutes = (Date.parse(event.end.dateTime) - start) / 60000;
        const others = (event.attendees || []).filter(
            (person) => !person.self && person.responseStatus !== "declined");
        const kind = others.length === 0 ? "own" : event.recurringEventId ? "recurring" : "one_off";
        const day = event.start.dateTime.slice(0, 10);

        kinds[kind] += minutes;
        days[day] = (days[day] || 0) + (kind === "own" ? 0 : minutes);
        for (const person of others) {
            const sum = people[person.email] ||=
                { name: person.displayName, minutes: 0, meetings: 0 };
            sum.minutes += minutes;
            sum.meetings += 1;
        }
        list.push({ start: event.start.dateTime, end: event.end.dateTime, summary: event.summary,
            kind, minutes, people: others.length });
    }
    const ranked = Object.entries(people).sort((a, b) => b[1].minutes - a[1].minutes);
    return { days, kinds, people: ranked.slice(0, 100), events: list.slice(0, 500) };
}

async function week(response) {
    const pages = await Promise.all(paths.map(fetchPage));
    const text = JSON.stringify(sumUp(pages.flat()));
    response.writeHead(200, {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(text),
    });
    response.end(text);
}

if (cluster.isPrimary) {
    for (let left = Number(processes); left > 0; left--) {
        cluster.fork();
    }
} else {
    http.createServer((request, response) => {
        week(response).catch(() => {
            response.writeHead(502);
            response.end();
        });
    }).listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
}
