// The visitor's own benchmark: answers that were scored become its questions.
import { fill, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call, stream } from "../api/call.js";
import { Explained, isAbort } from "../api/errors.js";
import { upload } from "../api/upload.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {() => Promise<any>} collect gathers the ground truth and the answer
 */
export function createBenchmark(studio, collect) {
  const count = h("span", { class: "hint", role: "status" }), board = h("div");
  const act = (/** @type {string} */ name, /** @type {unknown} */ content = null) => async () => {
    try {
      const given = name === "add" ? await collect() : content;
      const { questions, url, name: file, standings = [] } = await call("studio_benchmark", [name, given]);
      setText(count, questions === 1 ? say("1 question") : say("{count} questions", { count: questions ?? 0 }));
      fill(board, standings.length ? standingsTable(studio, standings) : null);
      if (url) h("a", { href: studio.address(url), download: file }).click();
    } catch (error) {
      studio.report(error);
    }
  };
  const chooser = h("input", { type: "file", accept: ".zip,application/zip", hidden: true, onchange: () => void open() });
  const open = async () => {
    const [file] = chooser.files ?? [];
    chooser.value = "";
    if (!file) return;
    try {
      await act("upload", await upload(file, file.name))();
    } catch (error) {
      studio.report(error);
    }
  };
  /** @type {AbortController | null} */
  let running = null;
  const run = async () => {
    if (running) return void running.abort();
    running = new AbortController();
    fill(start, say("Stop"));
    try {
      for await (const event of stream("studio_benchmark_run", [studio.store.get().model], { signal: running.signal })) {
        if (event?.error) throw new Explained(event.error);
        setText(count, say("{done} of {total} questions", { done: event.done ?? 0, total: event.total ?? 0 }));
        fill(board, event.standings?.length ? standingsTable(studio, event.standings) : null);
      }
    } catch (error) {
      if (!isAbort(error)) studio.report(error);
    } finally {
      running = null;
      fill(start, say("Run the chosen model"));
    }
    return undefined;
  };
  const start = h("button", { type: "button", class: "button", title: say("Asks the model in the header all questions of your benchmark"), onclick: () => void run() }, say("Run the chosen model"));
  const button = (/** @type {string} */ label, /** @type {string} */ name) => h("button", { type: "button", class: "button", onclick: act(name) }, label);
  return h("div", { class: "benchmark" }, h("h4", {}, say("Your benchmark")), count, h("div", { class: "row" }, button(say("Add to benchmark"), "add"), button(say("Download"), "download"), h("button", { type: "button", class: "button", onclick: () => chooser.click() }, say("Open a ZIP")), start, button(say("Clear"), "clear")), chooser, board);
}

/**
 * @param {Studio} studio
 * @param {any[]} standings
 */
function standingsTable(studio, standings) {
  const heads = [say("Model"), say("Mean IoU"), say("Hits"), say("Wrong boxes"), say("Questions")];
  const figure = (/** @type {number | null} */ value) => (value === null || value === undefined ? "–" : value.toFixed(2));
  return h(
    "table", { class: "figures-table" }, h("thead", {}, h("tr", {}, ...heads.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...standings.map((row) => h("tr", {}, h("th", { scope: "row" }, studio.titleOfModel(row.model)), ...[figure(row.mean_iou), figure(row.hit_rate), row.extra, row.questions].map((value) => h("td", {}, String(value)))))),
  );
}
