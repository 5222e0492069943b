// Says when somebody begins to look at the board, and from time to time as long as they do: a board
// that nobody sees asks for nothing.
const EVERY_MS = 5000;
let seen = false, next = 0;
setInterval(() => {
  const sees = element.offsetParent !== null && !document.hidden;
  if (sees && (!seen || Date.now() >= next)) {
    next = Date.now() + EVERY_MS;
    trigger('tick');
  }
  seen = sees;
}, 250);
