import { expect } from 'chai'
import fc from 'fast-check'
import { isReenactError } from '../../../runtime/core/errors.ts'
import { categoryOf, checkCategory, idOf, streamName } from '../../../runtime/core/stream-name.ts'

const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (isReenactError(error, 'InvalidName')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('stream name', () => {
  it('leads back to category and id', () => {
    const id = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !text.startsWith('$'))
    fc.assert(
      fc.property(id, (text) => {
        const name = streamName('account', text)
        expect(categoryOf(name)).to.equal('account')
        expect(idOf(name)).to.equal(text.normalize('NFC'))
        expect(name).to.match(/^account-[A-Za-z0-9_.~%-]+$/)
      }),
    )
  })

  it('is the same for texts that look the same, and for no others', () => {
    expect(streamName('account', 'Ame\u0301lie')).to.equal(streamName('account', 'Am\u00e9lie'))
    const ids = ['a b', 'a%20b', 'a+b', 'A b', 'a/b', "a'b", 'a(b', 'a*b', 'a!b', 'a-b', 'a_b']
    expect(new Set(ids.map((id) => streamName('account', id))).size).to.equal(ids.length)
  })

  it('is refused with what is wrong and what to do', () => {
    const wrong: readonly [unknown, string][] = [
      ['', 'it is empty'],
      [7, 'it is no string. Give a string'],
      [undefined, 'it is no string'],
      [Symbol('a'), 'it is no string'],
      ['\ud800', 'lone surrogate'],
      ['$all', 'a leading $ is reserved'],
      ['x'.repeat(248), 'over 255 bytes'],
      ['é'.repeat(42), 'over 255 bytes'],
    ]
    for (const [id, reason] of wrong) {
      expect(refusal(() => streamName('account', id as string))).to.include(reason)
    }
    expect(streamName('account', 'x'.repeat(247))).to.have.lengthOf(255)
  })

  it('has no dash in its category', () => {
    for (const name of ['', 'a-b', '1a', 'ä', '$a', 'reenact', 'Reenact', undefined, Symbol('a')]) {
      const given = name as string
      expect(refusal(() => checkCategory(given))).to.include(`'${String(name)}' cannot be a name`)
    }
    checkCategory('Account_2')
  })
})
