"use strict";
// Strangers' names go into pages as text alone: nothing here is read as HTML.
{
  const at = (id) => document.getElementById(id);
  const rows = [...at("rows").content.children].map((row) => row.dataset);
  const keys = ["one", "other"];
  const [top, size, left, bottom] = [10, 280, 45, 290];

  const part = (name, attributes, words = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = words;
    return made;
  };

  const short = (title) => (title.length > 30 ? `${title.slice(0, 29)}…` : title);

  const values = (place) => rows[place].e.split(" ").map(Number);

  const beyond = (places) =>
    Math.max(...places.flatMap(values)) > 10 ? " What is beyond 10 stands at 10." : "";

  const draw = (places, titles) => {
    const [across, up] = places.map(values);
    const most = Math.max(0.1, Math.min(10, Math.max(...across, ...up)));
    const x = (value) => left + (size * Math.min(value, most)) / most;
    const y = (value) => bottom - (size * Math.min(value, most)) / most;
    const line = (x1, y1, x2, y2) => part("line", { x1, y1, x2, y2 });
    const ticks = [0, most / 2, most].flatMap((value) => [
      part("text", { x: x(value), y: bottom + 14, "text-anchor": "middle" },
        value.toFixed(1)),
      part("text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" },
        value.toFixed(1)),
    ]);
    const points = across.map((value, s) =>
      part("circle", { cx: x(value).toFixed(1), cy: y(up[s]).toFixed(1), r: 2.5 }));
    at("drawn").replaceChildren(
      line(left, bottom, left + size, bottom), line(left, top, left, bottom),
      line(left, bottom, left + size, top), ...ticks, ...points,
      part("text", { x: left + size / 2, y: bottom + 32, "text-anchor": "middle" },
        `ε, ${short(titles[0])}`),
      part("text", { transform: `rotate(-90) translate(${-(top + size / 2)} 12)`,
        "text-anchor": "middle" }, `ε, ${short(titles[1])}`),
    );
  };

  const show = () => {
    const places = keys.map((key) => Number(at(key).value));
    const titles = keys.map((key) => at(key).selectedOptions[0].textContent);
    const pair = [...places].sort((a, b) => a - b).join("-");
    const line = document.querySelector(`[data-pair="${pair}"]`);
    at("chosen").hidden = line === null;
    if (line === null) return;
    const told = line.cells[line.cells.length - 1].children;
    at("verdicts").replaceChildren(...[...told].map((each) => each.cloneNode(true)));
    keys.forEach((key, k) => {
      at(`${key}-says`).textContent = rows[places[k]].says;
      at(`${key}-page`).href = rows[places[k]].page;
      at(`${key}-page`).textContent = `All of ${titles[k]}`;
    });
    at("command").textContent = "unlearn-eval compare " +
      `${places.map((p) => rows[p].name).join(" ")} --track ${at("choose").dataset.track}`;
    at("drawn-words").textContent = `ε of each forget example: across, of ${titles[0]}; ` +
      `up, of ${titles[1]}. Points below the line are forgotten better by the second.` +
      beyond(places);
    draw(places, titles);
  };

  // An address such as compare.html#3-7 opens on its pair.
  const follow = () => {
    const places = location.hash.slice(1).split("-").map(Number);
    if (places.length === 2 && places.every((p) => p in rows)) {
      keys.forEach((key, k) => { at(key).value = places[k]; });
    }
    show();
  };

  for (const key of keys) {
    at(key).addEventListener("change", () => {
      history.replaceState(null, "", `#${keys.map((each) => at(each).value).join("-")}`);
      show();
    });
  }
  addEventListener("hashchange", follow);
  at("choose").hidden = false;
  at("unscripted").hidden = true;
  follow();
}
