// The entry of the header's scripts.
import { listenForAbout, listenForApiLink } from "./about.js";
import { listenForMenu } from "./menu.js";
import { startModelButton } from "./models/button.js";
import { listenForTheme } from "./theme.js";
import { startViews } from "./views.js";

startViews();
listenForTheme();
listenForMenu();
startModelButton();
listenForAbout();
listenForApiLink();
