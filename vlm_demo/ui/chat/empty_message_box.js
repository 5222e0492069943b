// Empties the message box, takes the regions off their row, and the last problem away.
() => [
  {__type__: 'update', value: {text: '', files: []}, submit_btn: false, stop_btn: true},
  '{"count": 0}', '{}',
]
