// What projections refuse, and why.

import { ReenactError } from '../runtime/core/errors.ts'
import type { Build } from './catalog.ts'
import type { KindUpcasters } from './projected-event.ts'
import type { AnyProjection } from './projection.ts'

/** Whether a build is of this very version. */
export const isMadeBy = (build: Build, { version, fingerprint }: AnyProjection): boolean =>
  build.version === version && build.fingerprint === fingerprint

/** Whether it may take a build's place by itself. Older code, still running while newer is deployed, must not. */
export const isNewer = (projection: AnyProjection, build: Build): boolean =>
  !isMadeBy(build, projection) && projection.version >= build.version

/** Why a worker does not go on with a build. */
export function changed({ name, version }: AnyProjection, build: Build): ReenactError {
  const what =
    version === build.version
      ? `has the same version ${version}, but other handlers, or another shape of the view`
      : `is version ${version}, the live read model version ${build.version}`
  const fix =
    version < build.version
      ? 'Deploy the newer code here, or rebuild to go back'
      : 'Rebuild it (runtime.projections.rebuild, changed: "rebuild", or reenact projections run --rebuild), or adopt it where no result changes'
  return new ReenactError('ProjectionChanged', `'${name}' ${what}. ${fix}.`, {
    projection: name,
    stored: build.version,
    version,
  })
}

/** One projection, one worker a process. */
export const twice = (name: string): ReenactError => {
  const fix = 'give each projection its own name and run it once'
  return new ReenactError('InvalidOption', `'${name}' runs here already: ${fix}.`, {
    option: 'projections',
    fix,
  })
}

/** The worker that could do it is elsewhere. */
export const notHere = (projection: string): ReenactError =>
  new ReenactError(
    'UnknownProjection',
    `The worker of '${projection}' is in another process, or stopped. Redrive where it works, or resume it first.`,
    { projection },
  )

/** A read model keeps how far each of its partitions is. */
export function otherPartitions({ name, partitions }: AnyProjection, live: number): ReenactError {
  const fix = 'rebuild it'
  return new ReenactError(
    'InvalidOption',
    `The live read model of '${name}' has ${live} partitions, these handlers have ${partitions}: ${fix}.`,
    { option: 'partitions', fix },
  )
}

/** Too late. */
export const closed = (): ReenactError =>
  new ReenactError('Closed', 'The runtime is closed. Make another.', { what: 'runtime' })

/** A projection reads actors the runtime does not have, or is to work on partitions it does not have. */
export function checkProjection(
  { name, kinds, partitions }: AnyProjection,
  known: KindUpcasters,
  share?: readonly number[],
): void {
  const missing = kinds.find((kind) => !known.has(kind))
  if (missing !== undefined) {
    throw new ReenactError(
      'UnknownActor',
      `The projection '${name}' reads '${missing}', which is not an actor of this runtime. Add it to 'actors' of createRuntime.`,
      { aggregate: missing },
    )
  }
  if (share === undefined) return
  const isOne = (part: number) => Number.isInteger(part) && part >= 0 && part < partitions
  if (share.length > 0 && share.every(isOne) && new Set(share).size === share.length) return
  const fix = `name some of 0 to ${partitions - 1}, each once, or leave it out for all`
  throw new ReenactError(
    'InvalidOption',
    `'partitions' is [${share.join(', ')}], but '${name}' has ${partitions}: ${fix}.`,
    { option: 'partitions', fix },
  )
}
