// Style of the browser's scripts. Undefined names and types are found by tsc (jsconfig.json), which also says what
// is left out here: scripts that Gradio runs with names of its own (`element`, `props`) and that are no modules.
import { readFileSync } from "node:fs";

const { exclude } = JSON.parse(readFileSync(new URL("jsconfig.json", import.meta.url), "utf8"));

export default [
  { ignores: ["**/node_modules/", ...exclude] },
  {
    files: ["eslint.config.js", "vlm_demo/ui/**/*.js", "tests/ui/js/**/*.js"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      complexity: ["error", 20],
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: "error",
      "max-depth": ["error", 3],
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", 80],
      "no-alert": "error",
      "no-console": ["error", { allow: ["warn"] }],
      "no-constant-condition": "error",
      "no-duplicate-imports": "error",
      "no-else-return": "error",
      "no-empty": "error",
      "no-eval": "error",
      "no-fallthrough": "error",
      "no-global-assign": "error",
      "no-implied-eval": "error",
      "no-lonely-if": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-promise-executor-return": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({
          property,
          message: "Make elements with h() of components/dom.js.",
        })),
      ],
      "no-self-compare": "error",
      "no-sequences": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-unreachable": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": "error",
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      "require-await": "error",
      strict: ["error", "never"],
    },
  },
];
