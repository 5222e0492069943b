// Downloads the file that has been prepared, once the link has it.
(file) => {
  if (file) setTimeout(() => document.getElementById('chat-download').click(), 100);
}
