import { describe, expect, it } from '@jest/globals'

import { containersOf } from '../../src/model/target.js'

describe('the containers of a pod', () => {
  it('are joined with their statuses, in the order init, main, ephemeral', () => {
    const containers = containersOf({
      spec: {
        initContainers: [
          { name: 'setup', image: 'i' },
          { name: 'proxy', image: 'p', restartPolicy: 'Always' },
        ],
        containers: [{ name: 'app', image: 'a' }],
        ephemeralContainers: [{ name: 'debug', image: 'd' }],
      },
      status: {
        containerStatuses: [
          {
            name: 'app',
            imageID: 'a@sha256:1',
            containerID: 'containerd://1',
            restartCount: 2,
            state: { running: { startedAt: 't' } },
          },
        ],
        initContainerStatuses: [{ name: 'setup', state: { terminated: { exitCode: 0, startedAt: 's' } } }],
      },
    })
    expect(containers.map(({ name, role, running }) => [name, role, running])).toEqual([
      ['setup', 'init', false],
      ['proxy', 'sidecar', false],
      ['app', 'main', true],
      ['debug', 'ephemeral', false],
    ])
    expect(containers[2]).toMatchObject({ imageID: 'a@sha256:1', restartCount: 2, startedAt: 't' })
    expect(containers[0]).toMatchObject({ startedAt: 's', restartCount: 0 })
  })

  it('are none where the object has no spec at all', () => {
    expect(containersOf({})).toEqual([])
  })
})
