// Numbers inside a text: a third of what it costs to cut them out first.

/** The number these digits say; -1 where they are none as JSON writes them, or too many. */
export function wholeNumber(text: string, start: number, end: number): number {
  const length = end - start
  if (length < 1 || length > 15 || (length > 1 && text.charCodeAt(start) === 0x30)) return -1
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}
