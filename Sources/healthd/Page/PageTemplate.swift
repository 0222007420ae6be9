// Made by "make generate" from page.html; do not edit.
// swift-format-ignore-file

/// The text of page.html.
enum PageTemplate {
    static let text = ####"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pipelines of this host</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style nonce="{{nonce}}">
:root {
  --ground: #f6f7f9; --paper: #fff; --ink: #16202c; --quiet: #566474; --line: #cfd6de;
  --good: #10693a; --warning: #855000; --bad: #b3152b; --accent: #1257b0; --empty: #e1e6ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f151c; --paper: #18212b; --ink: #e6ecf2; --quiet: #9fb0c0; --line: #33414f;
    --good: #63d391; --warning: #f0b54a; --bad: #ff8a94; --accent: #7db5ff; --empty: #2b3845;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif;
}
header, main, footer { max-width: 1600px; margin: 0 auto; padding: 0 16px; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .6rem; }
h3 { font-size: .95rem; margin: .8rem 0 .3rem; }
p { margin: 0; }
ul, ol { list-style: none; margin: 0; padding: 0; }
code { font-size: .95em; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--paper); padding: 8px; z-index: 1; }
.quiet { color: var(--quiet); }
.good { color: var(--good); }
.warning { color: var(--warning); }
.bad { color: var(--bad); }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
header { padding-top: 14px; padding-bottom: 6px; }
#summary { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; }
.verdict { font-weight: 700; font-size: 1.15rem; }
#live { font-size: .85rem; }
#problems li {
  background: var(--paper); border: 1px solid var(--line); border-left: 5px solid currentColor;
  border-radius: 6px; padding: 8px 12px; margin: 0 0 6px; overflow-wrap: anywhere;
}
.advice { color: var(--ink); font-size: .9rem; }
#problems a { color: inherit; }
.pipeline { display: flex; align-items: stretch; margin-bottom: 14px; }
/* Rows of one height, with each box in the middle of its own: that is where arrows begin and end. */
.level {
  display: grid; grid-auto-rows: 1fr; align-items: center; flex: 2 1 0; min-width: 0;
}
.level > .box { margin: 5px 0; }
.box {
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 12px; min-width: 0; overflow-wrap: anywhere;
}
.box.sick { border: 2px solid var(--bad); }
.box .name { font-weight: 700; display: block; text-decoration: none; }
.box .name:hover { text-decoration: underline; }
.box .rate { margin-top: 4px; }
.box dl { margin: 4px 0 0; font-size: .86rem; }
/* A figure that does not fit beside its word goes below it; words are never broken for it. */
.box dl div { display: flex; flex-wrap: wrap; column-gap: 6px; }
.box dt { color: var(--quiet); overflow-wrap: normal; }
.box dd { margin: 0 0 0 auto; text-align: right; }
.box .error { color: var(--warning); font-size: .82rem; margin-top: 4px; }
.box .state, td .state { font-size: .88rem; font-weight: 600; }
.single { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 10px; }
.arrows { flex: 1 1 0; min-width: 74px; min-height: 60px; align-self: stretch; height: auto; }
.arrows line { stroke: var(--quiet); stroke-width: 2; }
.arrows text {
  fill: var(--ink); font-size: 13px; font-weight: 600; text-anchor: middle;
  stroke: var(--ground); stroke-width: 5px; stroke-linejoin: round; paint-order: stroke;
}
.arrows text.held { fill: var(--quiet); font-weight: 400; font-size: 12px; }
.arrows.down { display: none; }
#head path { fill: var(--quiet); }
.curve { position: relative; margin-top: 6px; }
.curve.small { margin: 0; width: 128px; }
.curve .top {
  position: absolute; left: 0; top: -2px; font-size: .7rem; line-height: 1; color: var(--quiet);
}
.curve.small .top { top: 1px; }
.axis {
  display: flex; justify-content: space-between; font-size: .7rem; line-height: 1.2;
  color: var(--quiet);
}
.spark {
  display: block; width: 100%; height: 42px; border-bottom: 1px solid var(--quiet);
}
td .spark { height: 26px; }
.spark polyline {
  fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke;
}
.spark polyline.in { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 2; }
.spark .tick { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.day { display: block; width: 128px; height: 10px; }
.day .all { fill: var(--empty); }
.day .held { fill: var(--good); }
.day .hole, .bar .hole { fill: var(--bad); }
.bar { display: block; width: 120px; height: 13px; }
.bar .all { fill: var(--empty); }
.bar.whole .held { fill: var(--good); }
.bar.part .held { fill: var(--warning); }
.scroll + .scroll { margin-top: 12px; }
.scroll {
  overflow-x: auto; background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
}
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
caption { text-align: left; padding: 8px 12px; color: var(--quiet); }
th, td {
  padding: 5px 8px; text-align: right; border-top: 1px solid var(--line); white-space: nowrap;
  font-variant-numeric: tabular-nums;
}
tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
thead th { font-weight: 600; color: var(--quiet); }
th:first-child, .word { text-align: left; }
tr:target > * { background: var(--empty); }
.scroll, .box, #log { scroll-margin-top: 12px; }
#log {
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  max-height: 24rem; overflow-y: auto; font-size: .86rem;
}
#log li { padding: 4px 12px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
#log li:first-child { border-top: 0; }
#log .raised b, #log .error b { color: var(--bad); }
#log .cleared b { color: var(--good); }
details { margin-top: 10px; }
summary { cursor: pointer; color: var(--quiet); padding: 4px 0; }
.repairs li { margin-top: 6px; overflow-wrap: anywhere; }
.repairs code { user-select: all; }
footer { padding-top: 18px; padding-bottom: 24px; font-size: .86rem; color: var(--quiet); }
@media (max-width: 760px) {
  .pipeline { flex-direction: column; }
  .level { grid-auto-flow: column; grid-auto-columns: 1fr; align-items: stretch; gap: 8px; }
  .level > .box { margin: 0; }
  .arrows.across { display: none; }
  .arrows.down { display: block; height: 64px; min-height: 0; flex: none; width: 100%; }
  .single { grid-template-columns: 1fr; }
  /* A row of a table becomes a card: nothing has to be scrolled to the side. */
  table, tbody, tr, th, td { display: block; }
  thead { display: none; }
  caption { display: block; }
  tr {
    padding: 6px 12px; border-top: 1px solid var(--line);
    display: grid; grid-template-columns: 1fr 1fr; column-gap: 20px;
  }
  tbody th, td.word, td:has(.curve), td:has(.bar), td:has(.state) { grid-column: 1 / -1; }
  tbody tr:first-child { border-top: 0; }
  th, td { border: 0; padding: 2px 0; white-space: normal; }
  tbody th { min-width: 0; font-size: 1rem; }
  td { display: flex; justify-content: space-between; gap: 12px; align-items: center; }
  td > span { min-width: 0; overflow-wrap: anywhere; text-align: right; }
  td::before { content: attr(data-title); color: var(--quiet); }
}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the pipelines</a>
<svg class="unseen" aria-hidden="true"><defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs></svg>
<header>
<div id="summary">{{summary}}</div>
<p id="live" class="quiet" aria-live="polite">As it was when the page was loaded.</p>
</header>
<main id="main">
<section id="problems" aria-label="Problems" aria-live="polite">{{problems}}</section>
<section aria-labelledby="flow-title"><h2 id="flow-title">Pipelines</h2><div id="flow">{{flow}}</div></section>
<section aria-labelledby="stages-title"><h2 id="stages-title">Stages</h2><div id="stages">{{stages}}</div></section>
<section aria-labelledby="symbols-title"><h2 id="symbols-title">Symbols</h2><div id="symbols">{{symbols}}</div></section>
<section aria-labelledby="completeness-title"><h2 id="completeness-title">Completeness</h2><div id="completeness">{{completeness}}</div></section>
<section aria-labelledby="delays-title"><h2 id="delays-title">Delays</h2><div id="delays">{{delays}}</div></section>
<section aria-labelledby="log-title"><h2 id="log-title">What happened</h2><ol id="log" role="log" aria-labelledby="log-title" tabindex="0">{{log}}</ol></section>
</main>
<footer><nav aria-label="The same for programs">The same for programs: <a href="health">health</a>, <a href="overview">overview</a>, <a href="stats">stats</a>, <a href="metrics">metrics</a>; <a href="reasons">what each code means</a></nav></footer>
<script nonce="{{nonce}}">
"use strict";
// healthd sends each part of the page that changed as HTML; what is there is changed in place, so
// that focus, selection and scroll positions stay, and a screen reader hears only what is new.
function patch(into, from) {
  const known = new Map();
  for (const child of into.children) if (child.id) known.set(child.id, child);
  let place = into.firstChild;
  for (const fresh of [...from.childNodes]) {
    const same = fresh.id ? known.get(fresh.id) : undefined;
    if (same) {
      if (same === place) place = place.nextSibling; else into.insertBefore(same, place);
      change(same, fresh);
    } else if (place && !fresh.id && !place.id && place.nodeName === fresh.nodeName) {
      change(place, fresh);
      place = place.nextSibling;
    } else into.insertBefore(fresh, place);
  }
  while (place) { const next = place.nextSibling; place.remove(); place = next; }
}
function change(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  // What the reader has unfolded stays so.
  for (const name of old.getAttributeNames())
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  patch(old, fresh);
}
const live = document.getElementById("live");
const source = new EventSource("events");
source.onopen = () => { live.textContent = "Live."; };
source.onerror = () => { live.textContent = "healthd does not answer; trying again. This is how it was."; };
for (const id of ["summary", "problems", "flow", "stages", "symbols", "completeness", "delays", "log"])
  source.addEventListener(id, (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.data;
    patch(document.getElementById(id), template.content);
  });
</script>
</body>
</html>
"""####
}
