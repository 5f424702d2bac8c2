import type { ApiReply, ApiRequest } from '../http.ts';
import type { World } from '../world.ts';

const second = 1000;

/**
 * What stands in front of a Nova that has more to do than it can: a proxy that refuses with 429, and answers that take
 * the longer the more is going on. Off unless the knobs ask for it.
 */
export class Overload {
  readonly #world: World;
  #recent: number[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** The refusal of a request that is too much; null when it may pass. */
  refuse(request: ApiRequest): ApiReply | null {
    const { clock, knobs, conductor } = this.#world;
    if (knobs.rateLimitAbove > 0 && conductor.inFlight >= knobs.rateLimitAbove) {
      if (request.method === 'POST' && request.body.includes('"evacuate"'))
        return tooMany(request, knobs.retryAfter);
    }
    if (knobs.rateLimitPerSecond > 0) {
      const now = clock.now();
      this.#recent = this.#recent.filter((at) => now - at < second);
      if (this.#recent.length >= knobs.rateLimitPerSecond) return tooMany(request, knobs.retryAfter);
      this.#recent.push(now);
    }
    return null;
  }

  /** How long an answer has to wait at this moment, ms. */
  delay(): number {
    const { apiSlowdownFrom, apiSlowdownMs } = this.#world.knobs;
    if (apiSlowdownMs === 0) return 0;
    return Math.max(0, this.#world.conductor.inFlight - apiSlowdownFrom) * apiSlowdownMs;
  }
}

/** nova/api/openstack/wsgi.py, RateLimitFault. */
function tooMany(request: ApiRequest, retryAfter: number): ApiReply {
  return {
    status: 429,
    headers: {
      'Content-Type': 'application/json; charset=UTF-8',
      'Retry-After': String(retryAfter),
      'X-Openstack-Request-Id': request.requestId,
    },
    json: {
      overLimit: { code: 429, message: 'This request was rate-limited.', retryAfter: String(retryAfter) },
    },
  };
}
