"use strict";
(() => {
  const SHOWN = 200; // rows; more are slow to lay out, and nobody reads them
  const STATES = ["approved", "refused", "waiting", "undecided", "withdrawn"];
  const place = (id) => document.getElementById(id);
  const day = (moment) => (moment || "").slice(0, 10);
  const catalogue = JSON.parse(place("catalogue").textContent);

  // Each package: by which requests it is needed, and the command of an approved one.
  const needed = new Map();
  const rows = [];
  for (const request of Object.values(catalogue.requests || {})) {
    const keys = request.packages || [];
    for (const [position, key] of keys.entries()) {
      const by = needed.get(key) || { names: [], count: 0, command: "", through: "" };
      by.count += 1;
      if (by.names.length < 20) by.names.push(request.name);
      if (request.install_command && position === 0) by.command = request.install_command;
      if (request.install_command && !by.through) by.through = request.name;
      needed.set(key, by);
    }
    if (!keys.length) rows.push({ ...request, names: [], version: "", wanted: request.source });
  }
  const reported = (catalogue.reevaluated || {}).reported || {};
  for (const [key, row] of Object.entries(catalogue.packages || {})) {
    rows.push({ ...row, ...(needed.get(key) || { names: [], count: 0 }), reported: reported[key] });
  }
  rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const row of rows) {
    counts[row.state] += 1;
    row.text = [
      row.name, row.version, row.state, row.origin, row.licence, row.requires_python, row.reason,
      row.wanted, ...(row.pythons || []), ...(row.advisories || []), ...(row.reported || []),
      ...row.names,
    ].join(" ").toLowerCase();
  }

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const cell = (label, ...parts) => {
    const made = element("td");
    made.dataset.label = label;
    made.append(...parts.filter(Boolean));
    return made;
  };
  const line = (text) => text && element("div", text, "meta");

  const then = (row) => {
    if (row.state !== "approved") return [row.reason && element("div", row.reason)];
    const warning = row.reported && `Reported since: ${row.reported.slice(0, 10).join(", ")}`;
    if (row.command) return [element("code", row.command, "copy"), line(warning)];
    const through = row.through && `It comes with ${row.through}.`;
    return [line(row.published_to ? through : "Approved, but not published."), line(warning)];
  };
  const shown = (row) => {
    const made = element("tr");
    const head = element("th", row.name);
    head.scope = "row";
    head.append(...[
      row.version && element("span", ` ${row.version}`),
      row.names.length && line(`for ${row.names.slice(0, 3).join(", ")}` +
        (row.count > 3 ? ` and ${row.count - 3} more` : "")),
      line(row.wanted),
    ].filter(Boolean));
    const pythons = (row.pythons || []).join(", ");
    made.append(
      head,
      cell("State", element("span", row.state, `chip v-${row.state}`),
        line(row.waits_until && `until ${day(row.waits_until)}`),
        line(row.withdrawn_at && row.state === "withdrawn" && day(row.withdrawn_at))),
      cell("Python", pythons && element("div", pythons), line(row.requires_python)),
      cell("Licence", row.licence),
      cell("Decided", element("div", day(row.decided_at)), line(row.advisories_of)),
      cell("Then", ...then(row)),
    );
    return made;
  };

  let state = "";
  const search = () => {
    const words = place("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) =>
      (!state || row.state === state) && words.every((word) => row.text.includes(word)));
    place("rows").replaceChildren(...found.slice(0, SHOWN).map(shown));
    const more = found.length > SHOWN ? `, the first ${SHOWN} are shown` : "";
    place("count").textContent = `${found.length} of ${rows.length}${more}`;
  };
  for (const each of STATES) {
    const button = element("button", each);
    button.prepend(element("strong", String(counts[each])));
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      state = state === each ? "" : each;
      for (const other of place("states").querySelectorAll("button")) {
        other.setAttribute("aria-pressed", String(other === button && state === each));
      }
      search();
    });
    const tile = element("li", "", `tile v-${each}`);
    tile.append(button);
    place("states").append(tile);
  }
  const judged = catalogue.reevaluated;
  place("when").textContent = `Last change ${catalogue.changed_at}.` + (judged
    ? ` All approvals judged again ${judged.ended_at}, by advisories of ` +
      `${Object.entries(judged.advisories).map(([name, date]) => `${date} (${name})`).join(", ")}.`
    : "");
  place("search").addEventListener("input", search);
  search();
})();
