// The conversation that the address of the page names.

/**
 * @param {string} search the part of an address from "?" on
 * @returns {string | null} id of the conversation
 */
export const readConversation = (search) => new URLSearchParams(search).get("conversation") || null;

/**
 * Puts a conversation into an address; the rest stays.
 * @param {string} address
 * @param {string | null} id null: none
 */
export function writeConversation(address, id) {
  const url = new URL(address);
  if (id) {
    if (!url.searchParams.has("view")) url.searchParams.set("view", "studio");
    url.searchParams.set("conversation", id);
  } else url.searchParams.delete("conversation");
  return url.href;
}
