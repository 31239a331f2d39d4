import { asArray, asString, at, type JsonObject } from '../../model/json.js'
import type { LabNetwork } from '../network/network.js'
import { objectsIn, uidOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { LabContainer, LabRuntime } from '../types.js'
import { stateOf } from './pod-container.js'

/** What templates/twin.sh is started with, by its arguments: PORT FILE LABEL:ADDRESS:PORT… */
const TITLE = 'impound-twin'

/** A runtime whose pods of templates/twin.sh try the lab's network: a round each time that somebody reads their log. */
export function withTwins(
  runtime: LabRuntime,
  network: LabNetwork,
  store: Store,
  now: () => Date,
): LabRuntime {
  const rounds = new Map<string, string[]>()
  return {
    container(pod, name) {
      const args = argsOf(pod)
      if (args === undefined) return runtime.container(pod, name)
      const written = rounds.get(uidOf(pod)) ?? []
      rounds.set(uidOf(pod), written)
      return twin(pod, args, written, network, store, now)
    },
  }
}

function argsOf(pod: JsonObject): readonly string[] | undefined {
  const [container] = objectsIn(at(pod, 'spec', 'containers'))
  const command = asArray(at(container, 'command')).map((one) => asString(one) ?? '')
  return command[3] === TITLE ? command.slice(4) : undefined
}

/** Where twins listen: 'ADDRESS:PORT'. */
function listeners(store: Store): ReadonlySet<string> {
  return new Set(
    store.list('pods').flatMap((pod) => {
      const [container] = objectsIn(at(pod, 'spec', 'containers'))
      const port = argsOf(pod)?.[0]
      const isRunning = stateOf(pod, asString(at(container, 'name')) ?? '').state === 'running'
      return port === undefined || !isRunning ? [] : [`${addressOf(pod)}:${port}`]
    }),
  )
}

function addressOf(pod: JsonObject): string {
  return asString(at(pod, 'status', 'podIP')) ?? ''
}

function twin(
  pod: JsonObject,
  [port = '', , ...destinations]: readonly string[],
  written: string[],
  network: LabNetwork,
  store: Store,
  now: () => Date,
): LabContainer {
  return {
    exec: () => Promise.resolve({ kind: 'unstartable', message: 'the lab runs nothing else in a twin' }),
    log(previous) {
      if (previous) return undefined
      const self = store.list('pods').find((one) => uidOf(one) === uidOf(pod)) ?? pod
      const round = written.filter((line) => line.startsWith('end ')).length + 1
      const address = addressOf(self)
      const listening = listeners(store)
      const told = asString(at(self, 'metadata', 'annotations', 'impound.dev/peers'))
      for (const destination of [
        ...destinations,
        ...(told === undefined ? [] : [told]),
        `self:${address}:${port}`,
      ]) {
        const [label = '', to = '', toPort = ''] = destination.split(':')
        const reach = network.reach(self, to, Number(toPort), listening)
        written.push(`probe ${round} ${label} ${to}:${toPort} ${reach}`)
      }
      written.push(`end ${round}`)
      return written.map((text) => ({ time: now().toISOString(), text }))
    },
  }
}
