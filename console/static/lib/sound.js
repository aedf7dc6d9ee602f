// A sound per severity by WebAudio, without files; off until somebody switches it on (browsers want a gesture, and a hall its peace).
import { kept, signal } from "./dom.js";

export const isLoud = signal(kept.get("sound", false));
// [frequency in Hz, start in s, length in s]: more urgent is higher, faster and more often
const NOTES = {
  emergency: [[880, 0, 0.14], [1175, 0.16, 0.14], [880, 0.32, 0.14], [1175, 0.48, 0.22]],
  major: [[698, 0, 0.16], [880, 0.2, 0.24]],
  normal: [[587, 0, 0.18]],
  minor: [[440, 0, 0.12]],
};
const QUIET_MS = 3000;
let context = null, playedAt = 0, playedRank = 9;

export function setLoud(on) {
  isLoud.value = on;
  kept.set("sound", on);
  if (on) play("normal", true);
}

// Plays a severity's sound; within three seconds only a more urgent one is heard again. `always` is the test button.
export function play(severity, always = false) {
  const rank = Object.keys(NOTES).indexOf(severity);
  if (!always && (!isLoud.value || (Date.now() - playedAt < QUIET_MS && rank >= playedRank))) return;
  [playedAt, playedRank] = [Date.now(), rank];
  context ??= new AudioContext();
  context.resume();
  for (const [frequency, start, length] of NOTES[severity] ?? NOTES.normal) note(frequency, context.currentTime + start, length);
}

function note(frequency, at, length) {
  const tone = context.createOscillator(), volume = context.createGain();
  tone.type = "triangle";
  tone.frequency.value = frequency;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.22, at + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.001, at + length);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + length + 0.02);
}
