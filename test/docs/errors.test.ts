// docs/errors.md names every error code, and no other.

import { readFileSync } from 'node:fs'
import { expect } from 'chai'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('docs/errors.md', () => {
  it('names every code there is, and no other', () => {
    const source = read('runtime/core/errors.ts')
    const details = source.slice(source.indexOf('interface ErrorDetails'), source.indexOf('\n}\n'))
    const codes = [...details.matchAll(/^ {2}(\w+): \{/gm)].map(([, code]) => code)
    const named = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
    expect(codes.length).to.be.greaterThan(20)
    expect(named.toSorted()).to.deep.equal(codes.toSorted())
  })
})
