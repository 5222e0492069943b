// Sends the message box as it is; it can be emptied when the message is on its way.
(...values) => {
  window.chatSent = true;
  setTimeout(() => document.querySelector('#chat-sent').click());
  return values;
}
