// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are sources of functions
// What a function of a machine says by its text, and what it only speaks of.

import { runInThisContext } from 'node:vm'
import { expect } from 'chai'
import { impurityOf } from '../../actors/machine-text.ts'

/** The function of a source text, exactly as it is written. */
const functionOf = (source: string): unknown => runInThisContext(`(${source}\n)`)

const pure: readonly string[] = [
  '() => `Date.now() and ${1 + 1} Math.random()`',
  '() => `a "quoted" await, a \'single\' fetch(`',
  '() => `escaped \\` Date.now() \\${Math.random()}`',
  '() => `one\nMath.random()\n${2}`',
  "() => 'new Date()' + \"setTimeout(() => {}, 1) // `\" + '`'",
  '() => /* Math.random() ` */ new Date(0).getTime() // `Date.now()`',
  "() => new Date('2026-01-31T12:00:00Z')",
  "() => ({ fetched: 'Date.now', await_: 1 })",
]

const impure: readonly (readonly [source: string, why: string])[] = [
  ['() => `it is ${Date.now()} now`', 'reads the clock'],
  ["() => `it's ${Date.now()} now, isn't it`", 'reads the clock'],
  ["() => `${'a'} and ${new Date()}`", 'reads the clock'],
  ['() => `line\n${1}\n${performance.now()}`', 'reads the clock'],
  ['() => `${[1].map(() => { return 1 }) + Date.now()}`', 'reads the clock'],
  ['() => `${`inner ${Date.now()}`}`', 'reads the clock'],
  ['() => `one ${Math.random()}`', 'uses chance'],
  ['() => `// ${Math.random()}`', 'uses chance'],
  ['() => `\\\\${Math.random()}`', 'uses chance'],
  ['() => `${crypto.randomUUID()}`', 'uses chance'],
  ['() => `${setTimeout(() => {}, 0)}`', 'does I/O or waits'],
  ['async () => 1', 'is asynchronous'],
]

describe('the text of a function', () => {
  for (const source of pure) {
    it(`${JSON.stringify(source)} is taken`, () => {
      expect(impurityOf(functionOf(source))).to.equal(undefined)
    })
  }
  for (const [source, why] of impure) {
    it(`${JSON.stringify(source)} ${why}`, () => {
      expect(impurityOf(functionOf(source))).to.equal(why)
    })
  }
  it('what is no function says nothing', () => {
    expect(impurityOf('Date.now()')).to.equal(undefined)
    expect(impurityOf(undefined)).to.equal(undefined)
  })
})
