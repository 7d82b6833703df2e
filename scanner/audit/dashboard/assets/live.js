"use strict";
// Follows runs: asks the API every two seconds while the page is in view and a
// run is under way. Without it the page is the same, only as of when it was
// made.
(() => {
  const every = 2000;
  const number = (n) => n.toLocaleString("en-US");
  const size = (n) => {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let u = 0;
    while (n >= 999.5 && u < units.length - 1) { n /= 1000; u++; }
    return (u ? Number(n.toPrecision(3)) : n) + " " + units[u];
  };
  const time = (s) => {
    if (s < 90) return Math.max(1, Math.round(s)) + " s";
    if (s < 5400) return Math.round(s / 60) + " min";
    return (s / 3600).toFixed(1) + " h";
  };
  const text = (card, name, value) => {
    const e = card.querySelector(`[data-live="${name}"]`);
    if (e && e.textContent !== value) e.textContent = value;
  };
  // The rate is of the last minute, so that it follows what happens.
  const rate = (past, done) => {
    const now = performance.now() / 1000;
    past.push([now, done]);
    while (past.length > 2 && now - past[0][0] > 60) past.shift();
    const [then, before] = past[0];
    return now > then ? (done - before) / (now - then) : 0;
  };
  const show = (card, past, run) => {
    const t = run.totals, done = t.images - t.waiting;
    const bar = card.querySelector("progress");
    if (t.images > 0) { bar.max = t.images; bar.value = done; }
    for (const name of ["images", "deny", "incomplete", "toReview", "failed", "findings", "layers", "layersRead"]) text(card, name, number(t[name]));
    text(card, "done", number(done));
    text(card, "bytes", size(t.bytes));
    text(card, "state", run.state.toUpperCase());
    const r = rate(past, done), known = past.length > 1 && r > 0;
    for (const e of card.querySelectorAll(".scripted")) e.hidden = !known;
    if (known) {
      text(card, "rate", (r * 60 < 10 ? (r * 60).toFixed(1) : number(Math.round(r * 60))) + " images a minute");
      text(card, "remaining", run.state === "planning" ? "still listing" : "about " + time(t.waiting / r));
    }
  };
  const follow = (card) => {
    const past = [];
    let faults = 0;
    const ask = async () => {
      if (document.hidden) return setTimeout(ask, every);
      try {
        const answer = await fetch("/api/v1/runs/" + card.dataset.run, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.status);
        const run = (await answer.json()).run;
        faults = 0;
        show(card, past, run);
        if (run.state === "done" || run.state === "stopped") {
          text(card, "says", "The run is " + run.state + ". Load the page again to see all of it.");
          return;
        }
        text(card, "says", "");
      } catch {
        faults++;
        text(card, "says", "The server does not answer; the numbers may be old.");
      }
      setTimeout(ask, every * Math.min(1 + faults, 15));
    };
    setTimeout(ask, every / 4);
  };
  for (const card of document.querySelectorAll("[data-run]")) follow(card);
})();
