// Walks the pages in a real browser: `npm ci`, then `npm test`, in this folder or with `--prefix`.
//
// DAIFUKU_PROGRAM is the binary (default: target/debug/daifuku), CHROMIUM the browser (default:
// Debian's). The program is started on a free port and plays the demo's past first. With
// ALL_SIGHTS=1 axe looks at each page in every language, size and colour scheme.

import { after, describe } from 'node:test';

import { byKeyboard } from './keyboard.js';
import { memberStories } from './member_story.js';
import { membershipStories } from './membership_story.js';
import { everyPage } from './pages.js';
import { plantedFaults } from './planted_faults.js';
import { closeStage, openStage } from './stage.js';
import { LANGUAGES } from './texts.js';

await openStage();

describe('in a browser', { concurrency: 3 }, () => {
  after(closeStage);
  // Within each of these one after the other: members apply one another's files.
  const inTurn = { concurrency: 1 };
  describe('a member earns points', inTurn, memberStories);
  describe('a visitor becomes a member', inTurn, membershipStories);
  for (const language of LANGUAGES) {
    describe(`every page is in order, in ${language}`, inTurn, () => everyPage(language));
  }
  describe('by keyboard alone', inTurn, byKeyboard);
  describe('a planted fault', inTurn, plantedFaults);
});
