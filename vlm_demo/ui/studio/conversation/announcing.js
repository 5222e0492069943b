// Says to people who cannot see the page what a request waits for, and its answer when it is complete.
import { say } from "../../i18n/say.js";
import { translate } from "../server_text.js";

/** @typedef {import("../studio.js").Studio} Studio */

/** Longest text that is read aloud, in characters; the rest is in the conversation. */
const LONGEST = 500;

/** @param {Studio} studio */
export function announceAnswers(studio) {
  const { store } = studio;
  /** @type {Map<string, string>} */
  const said = new Map();
  store.subscribe(({ conversation }) => conversation.turns, (turns, before) => {
    const known = new Map(before?.flatMap(({ answers }) => answers).map((answer) => [answer.id, answer]));
    for (const answer of turns.flatMap(({ answers }) => answers)) {
      const old = known.get(answer.id);
      if (!old || old === answer) continue;
      const stage = translate(answer.waiting?.stage);
      const ended = old.status !== answer.status && ["done", "stopped"].includes(answer.status);
      const text = ended ? say("Answer: {text}", { text: (translate(answer.outcome) || answer.plain).slice(0, LONGEST) }) : stage;
      if (!text || said.get(answer.id) === text) continue;
      said.set(answer.id, text);
      studio.announce(text);
    }
  });
}
