// Fields of a message written by hand, for the few messages of which a server sends very many.

/** Room for all but large messages. Nobody else writes until the bytes are copied out of it. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** The tag of a field with a number. */
export const numberTag = (field: number): number => field << 3
/** The tag of a field with text, bytes or a message. */
export const contentTag = (field: number): number => (field << 3) | 2

/** Writes from the end to the beginning, so that every length is known when its turn comes. */
export class BackwardsWriter {
  readonly #bytes: Buffer
  /** Where the last thing written begins. */
  at: number

  constructor(bytesMax: number) {
    this.#bytes = bytesMax <= scratch.length ? scratch : Buffer.allocUnsafe(bytesMax)
    this.at = this.#bytes.length
  }

  /** A number from 0. */
  number(tag: number, value: number): void {
    const bytes = this.#bytes
    let size = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1
    this.at -= size + 1
    let at = this.at
    bytes[at] = tag
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
      at += 1
      bytes[at] = (rest % 0x80) | 0x80
    }
    bytes[at + 1] = rest
  }

  /** Text or bytes. */
  content(tag: number, content: string | Buffer): void {
    const length = Buffer.byteLength(content)
    this.at -= length
    if (typeof content === 'string') this.#bytes.write(content, this.at)
    else content.copy(this.#bytes, this.at)
    this.number(tag, length)
  }

  /** A message: the fields that were written since `end`. */
  message(tag: number, end: number): void {
    this.number(tag, end - this.at)
  }

  /** What was written. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.at))
  }
}
