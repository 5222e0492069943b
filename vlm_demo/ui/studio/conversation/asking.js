// Asks models: a new question, the same once more, another model; and stops them.
import { message } from "../../i18n/say.js";
import { ADD_IMAGE, problemOf } from "../api/problems.js";
import { afterSending, draftOf, isSendable, taskOf } from "../composer/modes.js";
import { newAnswer, renewAnswer, stopAnswer } from "../state/answers.js";
import { addTurn, changeTurn, deleteTurns, findAnswer, findTurn, restoreTurns } from "../state/conversations.js";
import { newId } from "../state/ids.js";
import { until } from "../state/store.js";
import { selectedPictures } from "../state/attached.js";
import { PICTURE_TASKS } from "../state/requests.js";
import { filmOf, groupsOf, newTurn, settled } from "./new_turn.js";
import { Running } from "./running.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Turn} Turn */
/** @typedef {import("../state/types.js").Answer} Answer */
/** @typedef {import("../state/types.js").Conversation} Conversation */
/** @typedef {import("../state/types.js").Draft} Draft */

/** Asks, and changes the conversation accordingly. */
export class Asking {
  #store;
  #onUndo;
  #onRest;

  /** A model that is asked the same beside the chosen one; "": none. */
  beside = "";

  /**
   * @param {import("../state/store.js").Store<State>} store
   * @param {import("../api/pictures.js").Pictures} pictures
   * @param {(what: "replaced" | "deleted", count: number, undo: () => void) => void} onUndo turns are gone, which can be undone
   * @param {(count: number, goOn: () => void) => void} onRest so many pictures were not asked about, as one before was not answered
   */
  constructor(store, pictures, onUndo, onRest) {
    this.#store = store;
    this.#onUndo = onUndo;
    this.#onRest = onRest;
    this.running = new Running(store, pictures);
  }

  /**
   * Sends what is written. Without a picture, a person is asked first.
   * @param {{withoutPicture?: boolean}} [options]
   */
  async send({ withoutPicture = false } = {}) {
    // Before the server has said which models there are, what is written waits in the composer.
    await until(this.#store, (state) => Boolean(state.model));
    const { draft, conversation, model } = this.#store.get();
    if (!isSendable(draft)) return;
    const task = taskOf(draft.mode, draft.style);
    if (!this.#hasPicture(draft, conversation)) {
      if (PICTURE_TASKS.has(task)) return void this.#changeDraft({ problem: { message: message("Add an image first."), remedies: [ADD_IMAGE, { action: "example", label: message("Try an example") }] } });
      if (!withoutPicture) return void this.#changeDraft({ asking: true, problem: null });
    }
    const most = this.#store.get().start?.models.find((/** @type {any} */ one) => one.name === model)?.max_images;
    const film = filmOf(draft, conversation), groups = film ? [[film]] : groupsOf(draft, conversation, most), isSeries = groups.length > 1;
    const turn = { ...newTurn(draft, model, groups[0], isSeries ? { index: 0, count: groups.length } : null), film };
    const before = conversation.turns;
    const replaced = draft.editing ? before.slice(before.findIndex(({ id }) => id === draft.editing)) : [];
    this.#store.update((state) => ({ ...state, conversation: addTurn(state.conversation, turn, draft.editing), draft: afterSending(draft) }));
    if (replaced.length) this.#offerUndo("replaced", replaced.length, before, conversation.id);
    await this.running.run(turn.id, turn.answers[0].id, { giveBack: (error) => this.#giveBack(turn, draft, error) });
    await this.#askBeside(turn);
    if (isSeries && findTurn(this.#store.get().conversation, turn.id)) await this.#goOn({ draft, model, groups, conversation: conversation.id }, 1, turn.id);
  }

  /**
   * Asks about the other pictures of a series, as long as all goes well; what is left over can be gone on with.
   * @param {{draft: Draft, model: string, groups: string[][], conversation: string}} series
   * @param {number} from
   * @param {string} last id of the turn before; "": none
   */
  async #goOn(series, from, last) {
    const { draft, model, groups, conversation } = series;
    let before = last;
    for (let index = from; index < groups.length; index += 1) {
      if (this.#store.get().conversation.id !== conversation) return;
      const done = before === "" || findTurn(this.#store.get().conversation, before)?.answers[0]?.status === "done";
      if (!done) return this.#onRest(groups.length - index, () => void this.#goOn(series, index, ""));
      const turn = newTurn(draft, model, groups[index], { index, count: groups.length });
      this.#store.update((state) => ({ ...state, conversation: addTurn(state.conversation, turn) }));
      await this.running.run(turn.id, turn.answers[0].id);
      await this.#askBeside(turn);
      before = turn.id;
    }
  }

  /**
   * Asks a turn again; the answer so far stays within reach.
   * @param {string} turn
   * @param {string} answer
   * @param {{model?: string, options?: Partial<import("../state/types.js").Options>}} [changes]
   */
  async again(turn, answer, { model, options } = {}) {
    this.running.stop(answer);
    const now = Date.now(), id = newId();
    this.#store.update((state) => ({
      ...state,
      conversation: changeTurn(state.conversation, turn, (one) => ({
        ...one, options: options ? { ...one.options, ...options } : one.options,
        answers: one.answers.map((old) => (old.id === answer ? renewAnswer(stopAnswer(old, now), newAnswer(id, model ?? old.model, now)) : old)),
      }), now),
    }));
    await this.running.run(turn, id);
  }

  /**
   * Reads the numbers of an answer in another coordinate space; its model is not asked.
   * @param {string} turn
   * @param {string} answer
   * @param {string} space "": that of the family
   */
  async readAgain(turn, answer, space) {
    const old = findAnswer(this.#store.get().conversation, turn, answer);
    if (!old) return;
    const { raw, raws, timing, rating } = old, id = newId(), now = Date.now();
    const fresh = { ...newAnswer(id, old.model, now), earlier: old.earlier, version: old.version, timing, rating };
    this.#store.update((state) => ({
      ...state, conversation: changeTurn(state.conversation, turn, (one) => ({ ...one, answers: one.answers.map((each) => (each.id === answer ? fresh : each)) }), now),
    }));
    await this.running.run(turn, id, { reading: { space, earlier: { raw, raws } } });
    // What was there is back where it could not be read again.
    this.running.change(turn, id, (one) => (one.status === "failed" ? old : one));
  }

  /**
   * Asks another model the same, beside the answers of the turn.
   * @param {string} turn
   * @param {string} model
   */
  async compare(turn, model) {
    const now = Date.now(), answer = newAnswer(newId(), model, now);
    this.#store.update((state) => ({
      ...state, conversation: changeTurn(state.conversation, turn, (one) => ({ ...one, answers: [...one.answers, answer] }), now),
    }));
    await this.running.run(turn, answer.id);
  }

  /** @param {Turn} turn that the chosen model has answered */
  async #askBeside({ id, answers }) {
    const now = findTurn(this.#store.get().conversation, id);
    if (this.beside && this.beside !== answers[0].model && now?.answers[0]?.status === "done") await this.compare(id, this.beside);
  }

  /**
   * Puts the question of a turn back into the composer; sending it replaces the turn and what follows.
   * @param {string} id
   */
  edit(id) {
    const turn = findTurn(this.#store.get().conversation, id);
    if (!turn) return;
    this.#store.update((state) => ({
      ...state, draft: { ...draftOf(state.draft, turn), editing: id },
      conversation: turn.pictures.length ? { ...state.conversation, shown: turn.pictures[turn.pictures.length - 1] } : state.conversation,
    }));
  }

  /** @param {string} id */
  delete(id) {
    const { conversation } = this.#store.get();
    findTurn(this.#store.get().conversation, id)?.answers.forEach((answer) => this.running.stop(answer.id));
    this.#store.update((state) => ({ ...state, conversation: deleteTurns(state.conversation, [id], Date.now()) }));
    this.#offerUndo("deleted", 1, conversation.turns, conversation.id);
  }

  /**
   * Takes back a turn to which nothing came: its question is in the composer again.
   * @param {Turn} turn
   * @param {Draft} draft
   * @param {unknown} error
   */
  #giveBack(turn, draft, error) {
    const now = this.#store.get().draft;
    if (now.text.trim() || now.tags.length) return false;
    this.#store.update((state) => ({
      ...state, conversation: deleteTurns(state.conversation, [turn.id], Date.now()), draft: { ...draft, editing: null, asking: false, problem: error === null ? null : problemOf(error, []) },
    }));
    return true;
  }

  /**
   * @param {Draft} draft
   * @param {Conversation} conversation
   */
  #hasPicture(draft, { turns, pictures: all }) {
    const pictures = selectedPictures(draft);
    const usable = new Set(all.filter(({ status }) => status !== "failed" && status !== "gone").map(({ key }) => key));
    return pictures.some((key) => usable.has(key)) || (pictures.length === 0 && turns.some((turn) => turn.pictures.length > 0 && turn.task === "chat"));
  }

  /**
   * @param {"replaced" | "deleted"} what became of them
   * @param {number} count
   * @param {Turn[]} turns
   * @param {string} conversation
   */
  #offerUndo(what, count, turns, conversation) {
    this.#onUndo(what, count, () => this.#store.update((state) => (
      state.conversation.id === conversation ? { ...state, conversation: restoreTurns(state.conversation, turns.map(settled), Date.now()) } : state)));
  }

  /** @param {Partial<Draft>} change */
  #changeDraft(change) {
    this.#store.update((state) => ({ ...state, draft: { ...state.draft, ...change } }));
  }
}
