// The operations page.
import { start } from "../lib/boot.js";
import { html } from "../lib/dom.js";
import { Header } from "../lib/header.js";

await start(() => html`<${Header}/><main id="main"></main>`);
