// What must hold after any run, whatever went wrong: compared with the log, told by the first thing that does not.

import { readMetadata } from '../../runtime/codec/metadata.ts'
import { createRuntime, type RecordedEvent } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import type { Delivery, Run } from './simulation.ts'

/** Errors that promise: the command was not applied. */
const notApplied: ReadonlySet<string> = new Set([
  'Aborted',
  'Closed',
  'Conflict',
  'DiskFull',
  'Overloaded',
  'Timeout',
])

/** Everything the log and the senders know of one command. */
interface Case {
  readonly name: string
  readonly deliveries: Delivery[]
  readonly events: RecordedEvent[]
}

/** Throws where the run broke a promise. */
export async function check(run: Run): Promise<void> {
  for (const one of casesOf(run)) checkCase(one)
  const runtime = await createRuntime({ store: run.log, actors: [Account], ports: run.ports })
  for (const id of new Set(run.deliveries.map(({ actor }) => actor))) {
    const actor = runtime.actor(Account, id)
    const { ok, problems } = await run.ports.until(actor.verify())
    assert(ok, `${id} does not verify: ${problems.map(String).join('; ')}`)
    const state = await run.ports.until(actor.state())
    const balance = amountOf(run.events.filter(({ stream }) => stream === actor.stream))
    assert(state.context.balance === balance, `${id} has ${state.context.balance}, not ${balance}`)
    await checkAnswers(run, id)
  }
}

function casesOf({ deliveries, events }: Run): Iterable<Case> {
  const cases = new Map<string, Case>()
  const caseOf = (stream: string, name: string): Case => {
    const key = `${stream} ${name}`
    const found = cases.get(key) ?? { name: key, deliveries: [], events: [] }
    cases.set(key, found)
    return found
  }
  for (const event of events) {
    const { commandId, custom } = readMetadata(event)
    caseOf(event.stream, String(custom?.['plain'] ?? commandId)).events.push(event)
  }
  for (const delivery of deliveries) {
    caseOf(`account-${delivery.actor}`, delivery.commandId).deliveries.push(delivery)
  }
  return cases.values()
}

function checkCase({ name, deliveries, events }: Case): void {
  const where = `${name}: ${JSON.stringify(deliveries)} in the log: ${JSON.stringify(events)}`
  assert(deliveries.length > 0, `nobody sent ${where}`)
  assert(events.length <= 1, `applied more than once: ${where}`)
  const [event] = events
  const ownId = deliveries[0]?.ownId
  const answers = deliveries.flatMap(({ heard }) => (typeof heard === 'object' ? [heard] : []))
  for (const { heard } of deliveries) assert(heard !== undefined, `no answer: ${where}`)
  const surelyNot = deliveries.every(
    ({ heard }) => typeof heard === 'string' && notApplied.has(heard),
  )
  assert(!(surelyNot && event), `told that it was not applied, but it was: ${where}`)
  for (const answer of answers) {
    const recorded = ownId || (answer.accepted && answer.events.length > 0)
    assert(recorded === (event !== undefined), `answered otherwise than recorded: ${where}`)
    if (!event) continue
    assert(answer.revision === event.revision, `another revision: ${where}`)
    assert(answer.position === event.position, `another position: ${where}`)
    assert(answer.accepted === (event.type !== 'reenact.Rejected'), `another outcome: ${where}`)
  }
  const firsts = answers.filter(({ duplicate }) => !duplicate)
  assert(firsts.length <= 1, `two first outcomes: ${where}`)
}

/** Every answer tells the state that the log has at its revision. */
async function checkAnswers({ deliveries, log, ports }: Run, id: string): Promise<void> {
  const runtime = await createRuntime({ store: log, actors: [Account], ports })
  for (const { actor, heard } of deliveries) {
    if (actor !== id || typeof heard !== 'object') continue
    const { revision, state } = heard
    const replayed = await ports.until(runtime.actor(Account, id).replay({ revision }))
    const [told, found] = [JSON.stringify(state), JSON.stringify(replayed)]
    assert(told === found, `${id}@${revision} was told as ${told}, but is ${found}`)
    assert(state.context.balance >= 0, `${id}@${revision} is overdrawn`)
  }
}

const amountOf = (events: readonly RecordedEvent[]): number =>
  events.reduce((sum, { type, data }) => {
    const { amount = 0 } = JSON.parse(data) as { amount?: number }
    return sum + (type === 'Deposited' ? amount : type === 'Withdrawn' ? -amount : 0)
  }, 0)

function assert(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}
