// What the pages say, read from the texts that the program is built with. A story presses the
// button that a person sees, in either language, and survives a better wording.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

export const LANGUAGES = ['ja', 'en'];

const root = new URL('../../', import.meta.url);
const features = readdirSync(new URL('features/', root)).map((name) => `features/${name}`);
const packages = ['spine/web', 'daifuku', ...features];

/** Gives a function from the key of a text, and the values in it, to what stands on the page. */
export function textsOf(language) {
  const files = packages.map((name) => new URL(`${name}/texts/${language}.ftl`, root));
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const lines = texts.join('\n').matchAll(/^([a-z][\w-]*) = (.+)$/gm);
  const byKey = new Map(Array.from(lines, ([, key, text]) => [key, text]));
  return (key, values = {}) => {
    assert(byKey.has(key), `there is no text ${key} in ${language}`);
    return byKey.get(key).replace(/\{ \$(\w+) \}/g, (_, name) => values[name]);
  };
}
