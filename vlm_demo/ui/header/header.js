// The entry of the header's scripts.
import { listenForApiLink } from "./about.js";
import { listenForLanguage } from "./language.js";
import { startModelButton } from "./models/button.js";
import { listenForTheme } from "./theme.js";
import { startViews } from "./views.js";

startViews();
listenForTheme();
listenForLanguage();
startModelButton();
listenForApiLink();
