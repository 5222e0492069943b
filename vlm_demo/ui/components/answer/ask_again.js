// Lets an answer ask again; %ELEM_ID% is the id of its component.
() => document.querySelector('#%ELEM_ID% .answer').dispatchEvent(new Event('vlm-again'))
