// Finding a name as somebody types: Chinese, the initials of its pinyin (dllw finds 道路遗撒 by dlys), English, code or key; best first.
// The browser's own pinyin order gives the initials: a character belongs to the last letter whose first syllable does not come after it.
const FIRST = "阿八嚓哒妸发旮哈讥咔垃妈拿噢妑七呥仨他屲夕丫帀", LETTERS = "abcdefghjklmnopqrstwxyz", HAN = /\p{Script=Han}/u;
const order = new Intl.Collator("zh-CN-u-co-pinyin");

/** "道路遗撒" -> "dlys"; what is not Chinese stays, in lower case. */
export function initials(text) {
  return [...text].map((sign) => {
    if (!HAN.test(sign)) return sign.toLowerCase();
    const place = [...FIRST].findLastIndex((first) => order.compare(first, sign) <= 0);
    return LETTERS[Math.max(0, place)];
  }).join("");
}

const rank = (text, wanted) => {
  const place = text.toLowerCase().indexOf(wanted);
  return place < 0 ? Infinity : place === 0 ? 0 : /[\s(/-]/.test(text[place - 1]) ? 1 : 2;
};

/** Of `options` [{key, zh, en, code?}] those that `typed` finds, at most `most`; all of them while nothing is typed. */
export function find(options, typed, most = 12) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return options.slice(0, most);
  const ranked = options.map((option) => [Math.min(...[option.zh, option.en, option.key, option.code ?? "", initials(option.zh)].map((text) => rank(text, wanted))), option]);
  return ranked.filter(([place]) => place < Infinity).sort(([one], [other]) => one - other).slice(0, most).map(([, option]) => option);
}
