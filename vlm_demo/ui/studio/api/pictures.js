// The pictures of the open conversation: kept in the browser, and sent to the server when it has to know them.
import { message } from "../../i18n/say.js";
import { changePicture, newPicture, putPicture } from "../state/conversations.js";
import { newId } from "../state/ids.js";
import { entriesOf, pictureOf } from "../strip/entries.js";
import { addressOf, call } from "./call.js";
import { Explained } from "./errors.js";
import { problemOf } from "./problems.js";
import { upload } from "./upload.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Picture} Picture */

/** Types that every browser can show by itself. */
const SHOWN = new Set(["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"]);

/** Adds pictures, and sends each to the server once, or again when it has been forgotten there. */
export class Pictures {
  #store;
  #loadBlob;
  /** @type {Map<string, Promise<string>>} by key: what is on its way */
  #sending = new Map();
  /** @type {Map<string, string>} addresses of bytes in the browser, by key */
  #urls = new Map();

  /**
   * @param {import("../state/store.js").Store<State>} store
   * @param {(key: string) => Promise<Blob | null>} [loadBlob] finds the bytes of a picture that another window added
   */
  constructor(store, loadBlob = () => Promise.resolve(null)) {
    this.#store = store;
    this.#loadBlob = loadBlob;
  }

  /**
   * Adds files that a person chose, dropped or pasted, attaches them to what is being written and shows the last.
   * @param {Iterable<File>} files
   */
  add(files) {
    this.#attach([...files].map((file) => newPicture(newId(), { name: file.name || "image", blob: file })));
  }

  /**
   * Adds an example.
   * @param {{id: string, url: string, width: number, height: number, title: Record<string, string>}} example
   * @param {string} name
   */
  addExample({ id, url, width, height }, name) {
    this.#attach([newPicture(newId(), { name, example: id, url: addressOf(url), width, height })]);
  }

  /**
   * Adds a picture that the server already knows, such as one that it has drawn.
   * @param {{id: string, url: string, name: string, width: number, height: number}} image
   */
  addKnown({ id, url, name, width, height }) {
    this.#attach([{ ...newPicture(newId(), { name, url: addressOf(url), width, height }), serverId: id, status: "ready" }]);
  }

  /**
   * Adds a picture of the web, which the server fetches.
   * @param {string} address
   */
  async addAddress(address) {
    const { id, url, name, width, height } = await call("studio_image", [address, ""]);
    this.#attach([{ ...newPicture(newId(), { name, url: addressOf(url), width, height }), serverId: id, status: "ready", address }]);
  }

  /**
   * Keys of all frames of a film, each of which is a picture of the conversation from now on.
   * @param {string} root
   * @returns {string[]}
   */
  framesOf(root) {
    const entries = entriesOf(this.#store.get().conversation, { pictures: [root] }), file = this.#find(root);
    if (file) this.#store.update((state) => ({ ...state, conversation: entries.reduce((next, entry) => (next.pictures.some(({ key }) => key === entry.key) ? next : putPicture(next, pictureOf(file, entry))), state.conversation) }));
    return entries.map(({ key }) => key);
  }

  /**
   * Ids of pictures on the server; those that it does not know are sent first.
   * @param {string[]} keys
   * @returns {Promise<Map<string, string>>} by key
   */
  async ids(keys) {
    const pairs = await Promise.all([...new Set(keys)].map(async (key) => /** @type {[string, string]} */ ([key, await this.#id(key)])));
    return new Map(pairs);
  }

  /**
   * The server does not know pictures any more.
   * @param {string[]} keys
   */
  forget(keys) {
    for (const key of keys) this.#change(key, { serverId: null, status: "new" });
  }

  /**
   * Address at which a picture can be shown.
   * @param {Picture} picture
   * @returns {string} "" while there is none
   */
  url({ key, blob, url }) {
    if (url) return url;
    if (!blob || !SHOWN.has(blob.type)) return "";
    const known = this.#urls.get(key) ?? URL.createObjectURL(blob);
    this.#urls.set(key, known);
    return known;
  }

  /**
   * The address of a picture leads nowhere, as after a restart of the server: it is sent again.
   * @param {string} key
   */
  async renew(key) {
    const picture = this.#find(key);
    if (!picture?.url || this.#sending.has(key)) return;
    this.#change(key, { url: null, serverId: null, status: "new" });
    await this.#id(key).catch(() => {});
  }

  /**
   * Puts a copy in the place of a picture that is half as wide and high.
   * @param {string} key
   */
  async halve(key) {
    const picture = this.#find(key);
    if (!picture) return;
    const bytes = picture.blob ?? await (await fetch(this.url(picture))).blob();
    const bitmap = await createImageBitmap(bytes);
    const canvas = new OffscreenCanvas(Math.max(1, bitmap.width >> 1), Math.max(1, bitmap.height >> 1));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/png" });
    this.#urls.delete(key);
    this.#change(key, { blob, url: null, serverId: null, status: "new", example: null, address: undefined, origin: undefined, frames: 1, width: canvas.width, height: canvas.height });
    await this.#id(key);
  }

  /** @param {Picture[]} pictures */
  #attach(pictures) {
    const last = pictures.at(-1);
    if (!last) return;
    const keys = pictures.map(({ key }) => key);
    this.#store.update((state) => ({
      ...state,
      conversation: { ...pictures.reduce(putPicture, state.conversation), shown: last.key },
      draft: { ...state.draft, pictures: keys, left: [], inTurn: false, regions: [], asking: false, problem: null },
    }));
    for (const picture of pictures) {
      void this.#measure(picture);
      this.#id(picture.key).catch(() => {});
    }
  }

  /**
   * Finds out the size of a picture that the browser can show, so that it is seen before it has been sent.
   * @param {Picture} picture
   */
  async #measure({ key, blob }) {
    if (!blob || !SHOWN.has(blob.type)) return;
    try {
      const { width, height } = await createImageBitmap(blob);
      if (!this.#find(key)?.width) this.#change(key, { width, height });
    } catch {
      // The server says what is wrong with it.
    }
  }

  /**
   * @param {string} key
   * @returns {Promise<string>}
   */
  #id(key) {
    const known = this.#find(key)?.serverId;
    if (known) return Promise.resolve(known);
    const sending = this.#sending.get(key) ?? this.#send(key).finally(() => this.#sending.delete(key));
    this.#sending.set(key, sending);
    return sending;
  }

  /**
   * @param {string} key
   * @returns {Promise<string>}
   */
  async #send(key) {
    const picture = this.#find(key);
    this.#change(key, { status: "uploading", share: 0, problem: null });
    try {
      const { id, url, width, height, ...file } = await this.#place(key, picture);
      // The server says of a page only what the page itself is.
      const { frames = 1, kind = "picture", times = [] } = picture?.origin ? picture : file;
      this.#change(key, { serverId: id, url: addressOf(url), width, height, frames, kind, times, status: "ready", share: 1 });
      return id;
    } catch (error) {
      const gone = error instanceof PictureGone;
      this.#change(key, { status: gone ? "gone" : "failed", problem: problemOf(error).message });
      throw error;
    }
  }

  /**
   * Makes a picture known to the server: its bytes are sent, or it is a frame of one whose bytes are.
   * @param {string} key
   * @param {Picture | undefined} picture
   */
  async #place(key, picture) {
    if (picture?.origin && picture.origin !== key && this.#find(picture.origin)) return call("studio_frame", [await this.#id(picture.origin), picture.frame ?? 0]);
    return call("studio_image", [await this.#source(key, picture), picture?.name ?? ""]);
  }

  /**
   * @param {string} key
   * @param {Picture | undefined} picture
   */
  async #source(key, picture) {
    const blob = picture?.blob ?? await this.#loadBlob(key);
    if (blob) return upload(blob, picture?.name ?? "image", { onProgress: (share) => this.#change(key, { share }) });
    if (picture?.example) return `example:${picture.example}`;
    if (picture?.address) return picture.address;
    if (picture?.url) return upload(await (await fetch(picture.url)).blob(), picture.name);
    throw new PictureGone();
  }

  /** @param {string} key */
  #find(key) {
    return this.#store.get().conversation.pictures.find((picture) => picture.key === key);
  }

  /**
   * @param {string} key
   * @param {Partial<Picture>} change
   */
  #change(key, change) {
    this.#store.update((state) => {
      const conversation = changePicture(state.conversation, key, change);
      return conversation === state.conversation ? state : { ...state, conversation };
    });
  }
}

/** The bytes of a picture are neither here nor on the server. */
class PictureGone extends Explained {
  constructor() {
    super(message("This image is no longer stored. Add it again."));
  }
}
