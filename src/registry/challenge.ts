/** What a registry wants before it answers, from a WWW-Authenticate header. */
export type Challenge =
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'other'; readonly name: string }

/**
 * The first Bearer challenge of a header, else Basic, else the scheme that it names. The scope that it asks for is not read: we ask
 * for pulling from the repository, never for what an answer suggests. Source: RFC 9110 11.6.1, the distribution token spec.
 */
export function parseChallenge(header: string): Challenge {
  const bearer = /(?:^|,)\s*bearer\s+(.*)$/is.exec(header.slice(0, 8192))?.[1]
  if (bearer === undefined && /(?:^|,)\s*basic\s/i.test(header.slice(0, 8192))) return { scheme: 'basic' }
  if (bearer === undefined) return { scheme: 'other', name: /^\s*(\S{1,40})/.exec(header)?.[1] ?? 'none' }
  const parameters = new Map(
    [...bearer.matchAll(/([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)].map(
      ([, key = '', quoted, plain = '']) =>
        [key.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain] as const,
    ),
  )
  const realm = parameters.get('realm')
  if (realm === undefined) return { scheme: 'other', name: 'bearer without realm' }
  const service = parameters.get('service')
  return { scheme: 'bearer', realm, ...(service === undefined ? {} : { service }) }
}
