// The studio's code editor: CodeMirror 6 with Python, as one script that defines `Editor`.
//
//   const editor = Editor.create(element, {
//     text,             what it shows first
//     label,            its name for screen readers
//     nonce,            of the page's content security policy, for the style it adds
//     readOnly,         true: to be read only
//     onChange(text),   called after a change by the person
//     onRun(text),      called for Ctrl-Enter (Cmd-Enter)
//     onSave(text),     called for Ctrl-S (Cmd-S)
//   });
//   editor.text(); editor.set(text); editor.focus(); editor.destroy();
//   editor.mark([{line, message}]);   underlines lines, counted from 1; [] takes all marks away
//
// Tab indents; Escape, then Tab, leaves the editor. Words get the classes `tok-keyword`,
// `tok-string` ... (@lezer/highlight's classHighlighter): the page's own style colours them.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Annotation, EditorState, Prec } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const fromOutside = Annotation.define();

function shortcuts({ onRun, onSave }) {
  const bind = (key, action) => ({
    key,
    preventDefault: true,
    run: (view) => { action(view.state.doc.toString()); return true; },
  });
  const bound = [];
  if (onRun) bound.push(bind("Mod-Enter", onRun));
  if (onSave) bound.push(bind("Mod-s", onSave));
  return Prec.highest(keymap.of(bound));
}

function extensions({ label, nonce, readOnly, onChange, ...actions }) {
  return [
    shortcuts(actions),
    lineNumbers(), lintGutter(), highlightActiveLine(), highlightActiveLineGutter(), highlightSpecialChars(),
    history(), drawSelection(), rectangularSelection(), highlightSelectionMatches(),
    indentUnit.of("    "), indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(),
    python(), syntaxHighlighting(classHighlighter),
    keymap.of([
      ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap,
      indentWithTab,
    ]),
    nonce ? EditorView.cspNonce.of(nonce) : [],
    EditorState.readOnly.of(Boolean(readOnly)),
    EditorView.contentAttributes.of({ "aria-label": label || "Code", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      const isOurs = update.transactions.some((one) => one.annotation(fromOutside));
      if (onChange && update.docChanged && !isOurs) onChange(update.state.doc.toString());
    }),
  ];
}

export function create(parent, options = {}) {
  const view = new EditorView({
    parent,
    state: EditorState.create({ doc: options.text || "", extensions: extensions(options) }),
  });
  return {
    text: () => view.state.doc.toString(),
    set: (text) => view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      annotations: fromOutside.of(true),
    }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
    mark: (problems) => view.dispatch(setDiagnostics(view.state, problems.map(({ line, message }) => {
      const place = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      return { from: place.from + place.text.search(/\S|$/), to: place.to, severity: "error", message };
    }))),
  };
}
