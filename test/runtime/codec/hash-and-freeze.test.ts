// Canonical text, the hash made from it, and freezing.

import { createHash } from 'node:crypto'
import { expect } from 'chai'
import {
  canonical,
  decode,
  deepFreeze,
  encode,
  type Json,
  payloadHash,
} from '../../../runtime/codec/codec.ts'

describe('canonical', () => {
  it('sorts keys at every level and keeps the order of arrays', () => {
    const value = { b: [{ d: 1, c: null }, 'x'], a: true, 10: 1, 9: 2, é: 'é"' }
    expect(canonical(value)).to.equal(
      '{"10":1,"9":2,"a":true,"b":[{"c":null,"d":1},"x"],"é":"é\\""}',
    )
    expect(canonical([])).to.equal('[]')
    expect(canonical({})).to.equal('{}')
    expect(canonical('a')).to.equal('"a"')
  })

  it('leaves out what encode leaves out', () => {
    const value = { a: 1, b: undefined } as unknown as Json
    expect(canonical(value)).to.equal(canonical(decode(encode(value))))
  })
})

describe('payloadHash', () => {
  it('is 22 characters of the SHA-256 of the canonical text', () => {
    const sha = createHash('sha256').update('{"a":1,"b":[2]}').digest()
    expect(payloadHash(canonical({ b: [2], a: 1 })))
      .to.equal(sha.toString('base64url').slice(0, 22))
      .and.to.have.lengthOf(22)
  })

  it('tells payloads apart', () => {
    const payloads: Json[] = [{}, [], { a: 1 }, { a: '1' }, { a: [1] }, { a: null }, null, '', 0]
    expect(new Set(payloads.map((payload) => payloadHash(canonical(payload))))).to.have.lengthOf(
      payloads.length,
    )
  })
})

describe('deepFreeze', () => {
  it('freezes plain data all the way down and returns it', () => {
    const value = { a: [{ b: { c: 1 } }], d: Object.assign(Object.create(null), { e: {} }) }
    expect(deepFreeze(value)).to.equal(value)
    for (const part of [value, value.a, value.a[0], value.a[0]?.b, value.d, value.d.e]) {
      expect(part).to.be.frozen
    }
    expect(deepFreeze(5)).to.equal(5)
    expect(deepFreeze(null)).to.equal(null)
    expect(deepFreeze(undefined)).to.equal(undefined)
  })

  it('stops at what is frozen already', () => {
    const inside = { b: 1 }
    deepFreeze({ a: Object.freeze({ inside }) })
    expect(inside).not.to.be.frozen
  })

  it('leaves functions, instances and proxies alone', () => {
    const act = Object.assign(() => 1, { note: {} })
    const value = {
      act,
      at: new Date(),
      map: new Map(),
      proxy: new Proxy({}, {}),
      url: new URL('a:b'),
    }
    deepFreeze(value)
    for (const part of [act, act.note, value.at, value.map, value.proxy, value.url]) {
      expect(Object.isFrozen(part)).to.equal(false)
    }
    expect(deepFreeze(new Uint8Array(2))).to.have.lengthOf(2)
  })

  it('bears cycles and any depth', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = { cycle }
    expect(deepFreeze(cycle)['self']).to.be.frozen
    let value: object = {}
    for (let i = 0; i < 200_000; i++) value = { value }
    expect(deepFreeze(value)).to.be.frozen
  })
})
