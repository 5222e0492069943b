// Shows Stop in place of the button that asks; Python shows it again when the answer has ended.
() => [{__type__: 'update', visible: 'hidden'}, {__type__: 'update', visible: true}]
