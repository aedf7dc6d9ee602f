// Small line icons, 20 × 20, drawn in the colour of the text. They are decoration: what carries one has a name of its own.
import { html } from "./dom.js";

const PATHS = {
  sun: "M10 3V1.5M10 18.5V17M3 10H1.5M18.5 10H17M5 5 4 4m12 12-1-1M5 15l-1 1M16 4l-1 1M13.5 10a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0Z",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z",
  auto: "M10 2.5v15M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM10 5.5h4.5M10 8.5h6M10 11.5h6M10 14.5h4.5",
  sound: "M3 7.5v5h3l4 3.5V4L6 7.5H3Zm10-.5a4 4 0 0 1 0 6m2-8.5a7.5 7.5 0 0 1 0 11",
  mute: "M3 7.5v5h3l4 3.5V4L6 7.5H3Zm10 .5 4 4m0-4-4 4",
  help: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 8A2.2 2.2 0 1 1 10 10.4V11.5M10 14v.2",
  person: "M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-6 6.5c.6-3 3-4.5 6-4.5s5.4 1.5 6 4.5",
  close: "m5 5 10 10M15 5 5 15",
  search: "M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Zm4-1.5L17 17",
  filter: "M3 5h14M5.5 10h9M8 15h4",
  layers: "m10 3 7.5 4-7.5 4-7.5-4L10 3Zm-7.5 7.5 7.5 4 7.5-4",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  photo: "M3 5h14v11H3V5Zm0 8 4-4 4 4 2-2 4 4M13 8.2v.1",
  clock: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 6v4l2.7 1.6",
  open: "M11 3h6v6M17 3l-8 8M14 12v5H3V6h5",
  check: "m4 10.5 4 4 8-9",
  more: "M4.5 10v.1M10 10v.1M15.5 10v.1",
  down: "m5 8 5 5 5-5",
  up: "m5 12 5-5 5 5",
  left: "m12 5-5 5 5 5",
  right: "m8 5 5 5-5 5",
  pause: "M7 4v12M13 4v12",
  play: "M6 4v12l10-6L6 4Z",
  place: "M10 17.5S15.5 12.6 15.5 8.4a5.5 5.5 0 0 0-11 0c0 4.2 5.5 9.1 5.5 9.1Zm0-7.3a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8Z",
  send: "M3 10h12M10 5l5 5-5 5",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10Zm8 2.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
  refresh: "M16.5 6.5A7.5 7.5 0 1 0 17.5 10M17 3v4h-4",
  key: "M12.5 3a4.5 4.5 0 0 0-4.3 5.8L3 14v3h3v-2h2v-2h1.5l1.3-1.3A4.5 4.5 0 1 0 12.5 3Zm1.2 3.2v.1",
  out: "M8 3H3v14h5M13 6l4 4-4 4M17 10H8",
  list: "M7 5h10M7 10h10M7 15h10M3.5 5v.1M3.5 10v.1M3.5 15v.1",
};

export const Icon = ({ name, size = 18 }) => html`<svg class="icon" viewBox="0 0 20 20" width=${size} height=${size} aria-hidden="true">
  <path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
