// Presses a button, as if the person had: %ELEM_ID% is its id.
() => document.getElementById('%ELEM_ID%').click()
