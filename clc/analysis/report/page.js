"use strict";
/* The page is a function of the URL's hash: controls write it, `render` reads it.

   Texts of models and data sets are data: they enter the document as text nodes only. */

const PAGE = 50; // problems in a page of the list
const WHOLE = 20000; // characters; of a longer text the ends and the answer's place are shown
const HEAD = 3000;
const AROUND = 1500;
const KEPT = 8; // parts of a large report that stay in memory
const OPEN = 12; // paths that a problem may have for all to be shown unfolded
const CHOICES = {
  all: ["all", () => true],
  wrong: ["wrong", (row) => row.right === false],
  right: ["right", (row) => row.right === true],
  tied: ["tied", (row) => row.tied],
  unanswered: ["no answer", (row) => row.answer === null],
  odd: ["one language against the rest", (row) => row.odd !== null],
};
const REASONS = {
  empty: "empty reply", refusal: "refusal", undetermined: "left undetermined",
  unresolved: "algebra left unresolved", truncated: "cut off before an answer",
  no_answer: "states no answer", engine_failure: "lost by the engine",
  translation: "no faithful translation", low_confidence: "left out: low confidence",
  deadline: "not there in time",
};

const theme = {
  read() { try { return localStorage.getItem("clc-theme"); } catch { return null; } },
  keep(value) { try { localStorage.setItem("clc-theme", value); } catch { /* not on this page */ } },
  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  set(value) {
    if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
  },
};
theme.set(theme.read()); // before anything is rendered

const find = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const fold = (text) => text.normalize("NFC").toLowerCase();
let report = null;
let shown = []; // positions of the filtered problems, in the order of the list
let renderings = 0; // counts them, so that a slow outdated one is discarded

/** Make an element; a value of null leaves an attribute out, texts become text nodes. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function named(code) {
  return report.names[code] ?? code;
}

/* -- state: the hash ------------------------------------------------------------------------ */

function readState() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const run = report.runs.findIndex((one) => one.name === parameters.get("run"));
  const state = {
    run: Math.max(run, 0),
    show: Object.hasOwn(CHOICES, parameters.get("show") ?? "") ? parameters.get("show") : "all",
    agree: parameters.get("agree") ?? "",
    language: parameters.get("language") ?? "",
    sort: parameters.get("sort") ?? "",
    q: parameters.get("q") ?? "",
    page: Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1),
    p: parameters.get("p"),
    a: parameters.get("a"),
  };
  if (run < 0 && state.p !== null) { // a link may name the problem alone
    state.run = Math.max(report.runs.findIndex((one) => one.at.has(state.p)), 0);
  }
  return state;
}

function hashOf(state) {
  const parameters = new URLSearchParams();
  if (report.runs.length > 1) parameters.set("run", report.runs[state.run].name);
  for (const name of ["show", "agree", "language", "sort", "q", "page", "p", "a"]) {
    const value = state[name];
    const usual = name === "a" ? null : { show: "all", page: 1 }[name] ?? "";
    if (value !== null && value !== undefined && value !== usual) parameters.set(name, value);
  }
  return `#${parameters}`;
}

/** Change some of the state; only opening and closing a problem add to the history. */
function go(changes) {
  const before = readState();
  const hash = hashOf({ ...before, ...changes });
  if ("p" in changes && (changes.p === null) !== (before.p === null)) location.hash = hash;
  else location.replace(hash);
}

/* -- data ------------------------------------------------------------------------------------ */

const parts = new Map();
const arrived = new Map();

/** The function called by the files of a large report. */
globalThis.clcPart = (records) => {
  arrived.get(document.currentScript.dataset.part)(records);
};

/** Return a part's records, from the page itself or from its file. */
function load(part) {
  let found = parts.get(part);
  parts.delete(part); // and back in at the end: the first one is the one longest unused
  found ??= report.files.length ? fetched(part) : inlined(part);
  parts.set(part, found);
  if (report.files.length && parts.size > KEPT) parts.delete(parts.keys().next().value);
  return found;
}

async function inlined(part) {
  return JSON.parse(find(`part-${part}`).textContent);
}

// fetch() is not allowed to read a file beside the page; a script element is.
function fetched(part) {
  const file = report.files[part];
  return new Promise((resolve, reject) => {
    arrived.set(String(part), resolve);
    const script = make("script", { src: `./${encodeURIComponent(report.folder)}/${file}`, "data-part": part });
    script.onload = () => script.remove();
    script.onerror = () => {
      parts.delete(part);
      script.remove();
      reject(new Error(`${report.folder}/${file} cannot be read: keep that folder beside the page`));
    };
    document.head.append(script);
  });
}

/** Give each problem a name for links: its id, and its language or number if ids repeat. */
function keyed(run) {
  run.at = new Map();
  run.problems.forEach((row, position) => {
    const names = [row.id, `${row.id}@${row.language}`, `${row.id}@${position + 1}`];
    row.key = names.find((name) => !run.at.has(name));
    run.at.set(row.key, position);
    row.folded = fold([row.id, row.question, row.answer ?? "", row.gold ?? ""].join("\n"));
  });
}

/* -- filters --------------------------------------------------------------------------------- */

const folded = new Map(); // part -> the texts of each of its records, ready to be searched

async function foldedTexts(part) {
  if (!folded.has(part)) {
    const records = await load(part);
    folded.set(part, records.map((record) => fold(
      [...record.paths, ...record.translations]
        .map((one) => `${one.thought ?? ""}\n${one.text ?? ""}`).join("\n"))));
  }
  return folded.get(part);
}

async function matching(run, state) {
  const choice = CHOICES[state.show][1];
  const most = state.agree === "" ? Infinity : Number(state.agree) / 100;
  const needle = fold(state.q.trim());
  const found = [];
  for (const [position, row] of run.problems.entries()) {
    if (!choice(row) || (state.language && row.language !== state.language)) continue;
    if (row.answer === null ? most !== Infinity : row.agreement > most) continue;
    let there = row.folded.includes(needle);
    if (!there && !report.files.length) there = (await foldedTexts(row.part))[row.at].includes(needle);
    if (there) found.push(position);
  }
  if (state.sort === "agreement") {
    found.sort((a, b) => run.problems[a].agreement - run.problems[b].agreement || a - b);
  }
  return found;
}

/* -- the list -------------------------------------------------------------------------------- */

function option(value, label) {
  return make("option", { value }, label);
}

/** Fill the filters' choices with those of the run, each with its count. */
function fillFilters(run) {
  const count = (test) => run.problems.filter(test).length;
  const kinds = Object.entries(CHOICES).filter(([name, [, test]]) => name === "all" || count(test));
  find("show").replaceChildren(...kinds.map(([name, [label, test]]) =>
    option(name, `${label} (${number(count(test))})`)));
  const languages = [...new Set(run.problems.map((row) => row.language))].sort();
  find("language").replaceChildren(option("", "all"), ...languages.map((code) =>
    option(code, `${named(code)} (${number(count((row) => row.language === code))})`)));
  find("language").closest("label").hidden = languages.length < 2;
}

function sign(row) {
  const [kind, mark, word] =
    row.right === true ? ["right", "✓", "right"]
    : row.right === false ? ["wrong", "✗", "wrong"] : ["none", "·", "no gold"];
  return make("span", { class: `sign ${kind}` }, make("span", { "aria-hidden": "true" }, mark),
    make("span", { class: "unseen" }, word));
}

function meter(share, label) {
  const bar = make("i", { "aria-hidden": "true" });
  bar.style.setProperty("--share", share);
  return make("span", { class: "meter" }, bar,
    make("span", {}, make("span", { class: "unseen" }, label), percent(share)));
}

/** A short untrusted text on one line, with visible control characters. */
function cell(value, language = null, longest = 400) {
  const box = make("bdi", { class: "cell", lang: language, dir: "auto" });
  put(box, value.length > longest ? `${value.slice(0, longest)}…` : value);
  return box;
}

function listed(run, state, position) {
  const row = run.problems[position];
  const notes = [named(row.language), row.tied ? "tied" : null,
    row.odd === null ? null : `${named(row.odd)} differs`].filter(Boolean);
  return make("li", {}, make("a", { href: hashOf({ ...state, p: row.key, a: null }), "data-key": row.key },
    sign(row),
    make("span", { class: "id" }, cell(row.id), make("br"),
      make("span", { class: "quiet small" }, notes.join(" · "))),
    make("span", { class: "question", lang: row.language, dir: "auto" },
      cell(row.question, row.language)),
    make("span", { class: "stated" },
      make("span", {}, row.answer === null ? "no answer" : cell(row.answer, null, 80)),
      row.gold === null ? null
        : make("span", { class: "quiet small" }, "gold ", cell(row.gold, null, 80))),
    row.answer === null ? make("span") : meter(row.agreement, "agreement "),
  ));
}

function renderList(run, state) {
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  const page = Math.min(state.page, pages);
  const first = (page - 1) * PAGE;
  const here = shown.slice(first, first + PAGE);
  find("list").replaceChildren(...here.map((position) => listed(run, state, position)));
  find("none").hidden = shown.length > 0;
  const right = shown.filter((position) => run.problems[position].right === true).length;
  const judged = shown.filter((position) => run.problems[position].right !== null).length;
  const all = run.problems.length;
  find("counts").textContent =
    (shown.length === all ? `${number(all)} problems` : `${number(shown.length)} of ${number(all)} problems`)
    + (judged ? `, ${number(right)} right and ${number(judged - right)} wrong` : "");
  for (const pager of document.querySelectorAll(".pager")) {
    pager.hidden = pages === 1;
    pager.querySelector("span").textContent =
      `${number(first + 1)}–${number(first + here.length)} of ${number(shown.length)}`;
    const [back, on] = pager.querySelectorAll("button");
    back.disabled = page === 1;
    on.disabled = page === pages;
    back.onclick = () => turn(page - 1);
    on.onclick = () => turn(page + 1);
  }
}

function turn(page) {
  go({ page });
  find("problems").scrollIntoView();
}

/* -- texts of others ------------------------------------------------------------------------- */

// Control characters, marks that reorder text, and invisible characters: shown as symbols. ZWJ and ZWNJ stay,
// because Indic and Arabic scripts are written with them.
const CONTROL = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f"
  + "\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]", "gu");

function symbol(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `⟦U+${code.toString(16).toUpperCase().padStart(4, "0")}⟧`;
}

/** Put text into a box as text, with its control characters as symbols. */
function put(box, text) {
  let from = 0;
  for (const found of text.matchAll(CONTROL)) {
    box.append(text.slice(from, found.index), make("span", { class: "control" }, symbol(found[0])));
    from = found.index + found[0].length;
  }
  box.append(text.slice(from));
  return box;
}

/** The positions [from, to) of a text that are shown before "Show all" is pressed. */
function windows(text, span) {
  if (text.length <= WHOLE) return [[0, text.length]];
  const [from, to] = span ?? [text.length, text.length];
  const start = Math.max(from - AROUND, 0);
  // A highlight may be as long as the text.
  const end = Math.min(Math.max(to, from) + AROUND, start + WHOLE, text.length);
  if (start <= HEAD) return [[0, whole(text, Math.max(end, HEAD))]];
  return [[0, whole(text, HEAD)], [whole(text, start), whole(text, end)]];
}

/** A position that does not split an emoji. */
function whole(text, place) {
  const code = text.charCodeAt(place);
  return code >= 0xdc00 && code <= 0xdfff ? place - 1 : place;
}

/** A text in a box of its own, ``span`` of it highlighted. */
function textBox(text, language, span = null) {
  const box = make("div", { class: "text", lang: language, dir: "auto" });
  const fill = (ranges) => {
    box.replaceChildren();
    let last = 0;
    for (const [from, to] of ranges) {
      if (from > last) box.append(cut(text, from - last, fill));
      const [begin, end] = (span ?? [to, to]).map((place) => Math.min(Math.max(place, from), to));
      put(box, text.slice(from, begin));
      if (end > begin) box.append(put(make("mark"), text.slice(begin, end)));
      put(box, text.slice(end, to));
      last = to;
    }
    if (last < text.length) box.append(cut(text, text.length - last, fill));
  };
  fill(windows(text, span));
  return box;
}

function cut(text, missing, fill) {
  const button = make("button", { type: "button", class: "cut", lang: "en", dir: "ltr" },
    `Show all (${number(missing)} more characters)`);
  button.onclick = () => fill([[0, text.length]]);
  return button;
}

/* -- one problem ----------------------------------------------------------------------------- */

function tags(row, record) {
  const verdict = row.right === null ? null
    : make("span", { class: `tag ${row.right ? "right" : "wrong"}` }, row.right ? "✓ right" : "✗ wrong");
  const answer = make("span", {}, "verdict ", row.answer === null ? "none" : cell(row.answer, null, 200));
  const facts = [
    row.answer === null ? null
      : `${percent(row.agreement)} agreement (${number(record.support)} of ${number(record.total)} votes)`,
    row.tied ? "tied" : null,
    row.odd === null ? null : `${named(row.odd)} differs from the rest`,
    `${number(record.sampled)} paths`,
    record.tokens ? `${number(record.tokens)} tokens` : null,
    record.preparation ? `${number(record.preparation)} tokens before the paths` : null,
    record.stop ? `stopped by ${record.stop.rule} after ${number(record.stop.paths)}` : null,
  ].filter(Boolean).map((text) => make("span", {}, text));
  const gold = row.gold === null ? null : make("span", {}, "gold ", cell(row.gold, null, 200));
  return make("div", { class: "tags" }, verdict, answer, gold, ...facts);
}

function bars(answer, byLanguage, most, kind, gold) {
  const support = Object.entries(byLanguage);
  const total = support.reduce((sum, [, weight]) => sum + weight, 0);
  const line = make("span", { class: "line", "aria-hidden": "true" }, ...support.map(([code, weight]) => {
    const piece = make("i", { title: `${named(code)}: ${number(weight)}` });
    piece.style.setProperty("--share", weight / most);
    return piece;
  }));
  const notes = [kind === "verdict" ? "verdict" : null, gold ? "gold" : null].filter(Boolean);
  return make("li", { class: kind },
    make("span", { class: "value" }, cell(answer, null, 200),
      notes.length ? make("span", { class: "quiet small" }, ` ${notes.join(", ")}`) : null),
    make("span", { class: "bars" }, line, make("span", { class: "quiet small" },
      support.map(([code, weight]) => `${named(code)} ${number(weight)}`).join(" · "))),
    make("span", { class: "small" }, number(total)));
}

function tally(row, record) {
  const sums = [...record.tally, ...record.abstentions].map(([, byLanguage]) =>
    Object.values(byLanguage).reduce((sum, weight) => sum + weight, 0));
  const most = Math.max(...sums, 1e-9);
  return make("ul", { class: "tally" },
    ...record.tally.map(([answer, byLanguage]) => bars(answer, byLanguage, most,
      answer === row.answer ? "verdict" : "other", answer === record.gold)),
    ...record.abstentions.map(([reason, byLanguage]) =>
      bars(REASONS[reason] ?? reason, byLanguage, most, "silent", false)));
}

function translations(record) {
  if (!record.translations.length) return null;
  return make("details", { id: "translations" },
    make("summary", {}, `The question in ${record.translations.length} languages`),
    make("dl", { class: "translations" }, ...record.translations.flatMap((one) => [
      make("dt", {}, named(one.language)),
      make("dd", {}, one.text === null ? put(make("span", { class: "quiet" }), `not asked: ${one.fault}`)
        : textBox(one.text, one.language)),
    ])));
}

/** The line with the answer, for a folded path. */
function whereRead(path) {
  if (!path.span) return "";
  const from = path.text.lastIndexOf("\n", path.span[0] - 1) + 1;
  const to = path.text.indexOf("\n", path.span[0]);
  const line = path.text.slice(Math.max(from, path.span[0] - 60), to < 0 ? undefined : to);
  return line.slice(0, 160);
}

function pathBox(path, position, wanted, chosen, open) {
  const answer = path.answer ?? null;
  const stated = answer === null
    ? make("span", { class: "answer none" }, "–", make("span", { class: "unseen" }, "no answer"))
    : make("span", { class: `answer ${answer === wanted ? "" : "other"}` }, cell(answer, null, 80));
  const spent = [path.tokens ? `${number(path.tokens)} tokens` : null, path.finish === "stop" ? null : path.finish,
    path.weight === 1 ? null : `weight ${number(path.weight)}`].filter(Boolean).join(" · ");
  const written = path.language === path.asked ? "" : ` (asked in ${named(path.asked)})`;
  const facts = [`path ${position + 1}`, `finish reason ${path.finish ?? "none"}`,
    `weight ${number(path.weight)}`,
    path.confidence === undefined ? null : `confidence ${number(path.confidence)}`,
    chosen ? "chosen" : null].filter(Boolean).join(" · ");
  const why = answer !== null ? null : make("p", { class: "small why" },
    `No vote: ${REASONS[path.abstains] ?? path.abstains}`,
    path.why ? put(make("span", { class: "quiet" }, " – "), path.why) : null);
  return make("details", { class: "path", open: open ? "" : null },
    make("summary", {}, make("span", {}, named(path.language) + written), stated,
      make("span", { class: "where", lang: path.asked, dir: "auto" }, cell(whereRead(path))),
      make("span", { class: "spent" }, spent)),
    make("div", { class: "body" }, why, thoughtBox(path),
      path.text ? textBox(path.text, path.asked, path.span ?? null) : null,
      make("p", { class: "quiet small" }, facts)));
}

/** What a thinking model thought before its text, folded. */
function thoughtBox(path) {
  if (!path.thought) return null;
  const length = `The thought (${number(path.thought.length)} characters${path.closed ? "" : ", not ended"})`;
  const box = make("details", { class: "thought" }, make("summary", {}, length));
  box.addEventListener("toggle", () => {  // a thought may be a hundred times as long as the text
    if (box.open && box.childElementCount === 1) box.append(textBox(path.thought, path.asked));
  });
  return box;
}

function pathsOf(row, record, state) {
  const voted = (path) => path.answer ?? "";
  const kept = record.paths.map((path, position) => ({ path, position }))
    .filter(({ path }) => state.a === null || voted(path) === state.a);
  const choose = make("select", { "aria-label": "Which paths to show" },
    option("*", `all paths (${number(record.paths.length)})`),
    ...[...new Set(record.paths.map(voted))].map((value) => option(`=${value}`,
      `${value === "" ? "no vote" : value.slice(0, 40)} (${number(record.paths.filter((path) => voted(path) === value).length)})`)));
  choose.value = state.a === null ? "*" : `=${state.a}`;
  choose.onchange = () => go({ a: choose.value === "*" ? null : choose.value.slice(1) });
  const boxes = kept.map(({ path, position }) => pathBox(path, position, record.gold ?? row.answer,
    record.choice !== null && path.key === record.choice, kept.length <= OPEN));
  const unfold = make("button", { type: "button", id: "unfold" });
  const label = () => {
    unfold.textContent = boxes.every((box) => box.open) ? "Fold all" : "Unfold all";
  };
  unfold.onclick = () => {
    const open = !boxes.every((box) => box.open);
    for (const box of boxes) box.open = open;
    label();
  };
  label();
  return [make("div", { class: "paths-head" }, make("h3", {}, "Reasoning paths"),
    make("div", {}, choose, unfold)), ...boxes];
}

function elsewhere(state, row) {
  if (report.runs.length < 2) return null;
  const links = report.runs.flatMap((run, position) => {
    const other = run.problems[run.at.get(row.key) ?? -1];
    if (position === state.run || !other) return [];
    return [make("a", { href: hashOf({ ...state, run: position, p: row.key, a: null }) }, run.name), " ",
      sign(other), " ", other.answer === null ? "no answer" : cell(other.answer, null, 40), " "];
  });
  return links.length ? make("p", { class: "small elsewhere" }, "In other runs: ", ...links) : null;
}

async function renderProblem(run, state, turnNumber) {
  const position = run.at.get(state.p);
  const box = find("problem");
  if (position === undefined) {
    box.replaceChildren(make("h2", { tabindex: "-1" }, "No such problem"),
      put(make("p", {}, "This report has no problem "), state.p));
    return;
  }
  const row = run.problems[position];
  let record;
  try {
    record = (await load(row.part))[row.at];
  } catch (error) {
    if (turnNumber === renderings) {
      box.replaceChildren(make("h2", { tabindex: "-1" }, cell(row.id)),
        make("p", { role: "alert" }, error.message));
    }
    return;
  }
  if (turnNumber !== renderings) return;
  const place = shown.indexOf(position);
  find("previous").disabled = place <= 0;
  find("next").disabled = place < 0 || place === shown.length - 1;
  find("place").textContent = place < 0 ? "" : `${number(place + 1)} of ${number(shown.length)}`;
  box.replaceChildren(...[
    make("h2", { tabindex: "-1" }, cell(row.id)), tags(row, record), elsewhere(state, row),
    ...record.context.map((message) => make("div", { class: "small quiet" }, `${message.role}: `,
      textBox(message.content, row.language))),
    make("div", { class: "asked" }, textBox(row.question, row.language)),
    translations(record),
    make("h3", {}, "Votes"), tally(row, record),
    ...pathsOf(row, record, state),
  ].filter(Boolean));
}

/* -- the whole ------------------------------------------------------------------------------- */

let last = null; // the state rendered last

async function render() {
  const state = readState();
  const turnNumber = ++renderings;
  const run = report.runs[state.run];
  if (last === null || last.run !== state.run) {
    for (const section of document.querySelectorAll("[data-run]")) {
      section.hidden = section.dataset.run !== String(state.run);
    }
    fillFilters(run);
  }
  find("run").value = String(state.run);
  for (const name of ["show", "agree", "language", "sort"]) find(name).value = state[name];
  if (document.activeElement !== find("q")) find("q").value = state.q;
  const found = await matching(run, state);
  if (turnNumber !== renderings) return;
  shown = found;
  const one = state.p !== null;
  const before = last;
  last = state;
  find("overview").hidden = one;
  find("one").hidden = !one;
  if (one) {
    await renderProblem(run, state, turnNumber);
    if (turnNumber === renderings && before?.p !== state.p) {
      scrollTo({ top: 0, behavior: "instant" });
      if (before !== null) find("problem").querySelector("h2")?.focus({ preventScroll: true });
    }
  } else {
    renderList(run, state);
    if (before !== null && before.p !== null) {
      const row = run.at.get(before.p);
      const link = [...find("list").querySelectorAll("a")].find((a) => a.dataset.key === before.p);
      if (link) link.focus();
      else if (row !== undefined) find("problems").scrollIntoView();
    }
  }
  if (turnNumber === renderings) document.documentElement.dataset.hash = location.hash; // it is rendered
}

/** Open the next (1) or the previous (-1) problem of the list; in the list, move along it. */
function step(by) {
  const state = readState();
  if (state.p !== null) {
    const place = shown.indexOf(report.runs[state.run].at.get(state.p));
    const target = place < 0 ? undefined : shown[place + by];
    if (target !== undefined) {
      go({ p: report.runs[state.run].problems[target].key, a: null, page: Math.floor((place + by) / PAGE) + 1 });
    }
    return;
  }
  const links = [...find("list").querySelectorAll("a")];
  const place = links.indexOf(document.activeElement);
  links[Math.min(Math.max(place + by, 0), links.length - 1)]?.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (typing) typing.blur();
    else if (readState().p !== null) go({ p: null, a: null });
    return;
  }
  if (typing || (event.target.closest(".scroll") && event.key.startsWith("Arrow"))) return;
  if (event.key === "j" || event.key === "ArrowRight") step(1);
  else if (event.key === "k" || event.key === "ArrowLeft") step(-1);
  else if (event.key === "/" && readState().p === null) {
    event.preventDefault();
    find("q").focus();
  }
}

async function copyLink() {
  let done = true;
  try {
    await navigator.clipboard.writeText(location.href);
  } catch { // no permission: the old way
    const field = make("textarea", { class: "unseen" });
    field.value = location.href;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
  }
  find("notice").textContent = done ? "Link copied" : "Copy the address from the address bar";
  setTimeout(() => { find("notice").textContent = ""; }, 4000);
}

function labelTheme() {
  find("theme").textContent = theme.dark() ? "Light" : "Dark";
}

function start() {
  report = JSON.parse(find("report").textContent);
  report.runs.forEach(keyed);
  find("run").closest("label").hidden = report.runs.length < 2;
  find("run").replaceChildren(...report.runs.map((run, position) => option(position, run.name)));
  find("run").onchange = (event) => go({ run: Number(event.target.value), page: 1, language: "", a: null });
  for (const name of ["show", "agree", "language", "sort"]) {
    find(name).onchange = (event) => go({ [name]: event.target.value, page: 1 });
  }
  let waiting = null;
  find("q").oninput = (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => go({ q: event.target.value, page: 1 }), 150);
  };
  find("reset").onclick = () => {
    find("q").value = "";
    go({ show: "all", agree: "", language: "", sort: "", q: "", page: 1 });
  };
  find("back").onclick = () => go({ p: null, a: null });
  find("previous").onclick = () => step(-1);
  find("next").onclick = () => step(1);
  for (const button of document.querySelectorAll(".copy")) button.onclick = copyLink;
  for (const link of document.querySelectorAll("a[data-to]")) {
    link.onclick = (event) => {
      event.preventDefault();
      if (readState().p !== null) go({ p: null, a: null });
      const target = find(link.dataset.to);
      setTimeout(() => target.scrollIntoView(), readState().p === null ? 50 : 0);
    };
  }
  find("theme").onclick = () => {
    const chosen = theme.dark() ? "light" : "dark";
    theme.set(chosen);
    theme.keep(chosen);
    labelTheme();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", labelTheme);
  labelTheme();
  addEventListener("hashchange", render);
  addEventListener("keydown", pressed);
  render();
}

addEventListener("DOMContentLoaded", start);
