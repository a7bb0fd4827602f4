// What an order went through, read from the stream of its process.

import type { Runtime } from '../../runtime/index.ts'

interface Written {
  readonly step: string
  readonly name: string
}

/** The steps of an order in the order they came to an end: `reserve, freeze, approve at attempt 2, ship`. */
export async function storyOf(runtime: Runtime, order: string): Promise<string> {
  const { events } = await runtime.store.readStream(`order_process-${order}`)
  const names = new Map<string, string>()
  const failures = new Map<string, number>()
  const story: string[] = []
  for (const { type, data } of events) {
    const { step, name } = JSON.parse(data) as Written
    const known = names.get(step) ?? ''
    const before = failures.get(step) ?? 0
    if (type === 'reenact.StepRequested') names.set(step, name)
    else if (type === 'reenact.StepAttemptFailed') failures.set(step, before + 1)
    else if (type === 'reenact.StepInterrupted') story.push(`${known} cut off by the crash`)
    else if (type === 'reenact.StepUndone') story.push(`undo ${known}`)
    else if (type === 'reenact.StepFailed') {
      story.push(before > 0 ? `${known} failed ${before + 1} times` : `${known} refused`)
    } else if (type === 'reenact.StepCompleted' && known !== 'compensate') {
      story.push(before > 0 ? `${known} at attempt ${before + 1}` : known)
    }
  }
  return story.join(', ')
}
