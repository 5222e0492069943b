// Shows Stop in place of Send while an answer is written, and takes the last problem away.
() => [{__type__: 'update', submit_btn: false, stop_btn: true}, '{}']
