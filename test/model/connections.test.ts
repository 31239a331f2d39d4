import { describe, expect, it } from '@jest/globals'

import { connectionsOf } from '../../src/model/connections.js'
import { SOCKETS, SOCKETS_AFTER } from '../report/shop-processes.js'

describe('connections before and after containment', () => {
  it('are told by what became of them, those that are left first', () => {
    expect(connectionsOf(SOCKETS, SOCKETS_AFTER)).toEqual([
      {
        protocol: 'tcp',
        local: '10.0.3.9:51544',
        remote: '203.0.113.7:443',
        state: 'established',
        holders: ['app 47 kworker/u8:2'],
        after: 'still there',
      },
      expect.objectContaining({ remote: '10.0.9.9:5432', after: 'gone' }),
    ])
    expect(connectionsOf(SOCKETS_AFTER, SOCKETS).map(({ after }) => after)).toEqual(['still there', 'new'])
  })

  it('that nobody looked at again, or not at all of them, are not said to be gone', () => {
    expect(connectionsOf(SOCKETS, undefined).map(({ after }) => after)).toEqual([
      'not looked at',
      'not looked at',
    ])
    for (const cut of [
      { ...SOCKETS_AFTER, socketsMore: 9 },
      { ...SOCKETS_AFTER, captures: SOCKETS_AFTER.captures.map((one) => ({ ...one, complete: false })) },
    ]) {
      expect(connectionsOf(SOCKETS, cut).at(-1)).toMatchObject({ after: 'not looked at' })
    }
  })

  it('within the pod are none, and addresses of IPv6 are in brackets', () => {
    const [first] = SOCKETS.sockets
    const local = { address: '2001:db8::9', port: 1 }
    const document = {
      ...SOCKETS,
      sockets: [
        { ...first!, local: { address: '127.0.0.1', port: 1 }, remote: { address: '127.0.0.1', port: 2 } },
        { ...first!, protocol: 'tcp6', local, remote: { address: '2001:db8::7', port: 443 } },
        { ...first!, protocol: 'raw', local, remote: { address: '2001:db8::7', port: 1 } },
      ],
    }
    expect(connectionsOf(undefined, document)).toMatchObject([
      { local: '[2001:db8::9]:1', remote: '[2001:db8::7]:443', after: 'still there' },
    ])
  })
})
