// Returns the path of the newest picture in the message box; "sent" where it went with a message.
(message, before) => {
  const newest = message?.files?.at(-1)?.path, sent = window.chatSent;
  window.chatSent = false;
  if (newest) return newest;
  if (!before.startsWith('/') && !/^[A-Za-z]:/.test(before)) return before;
  return sent ? 'sent' : '';
}
