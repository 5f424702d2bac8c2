import { type Answer, type Exchange, NovaError, type Transport } from '@openstack-ts/nova-client';
import { httpDate } from '../cloud/clock.ts';
import { type ServiceName, serviceNames } from '../cloud/http.ts';
import type { CloudServices, Outcome } from '../cloud/services.ts';
import type { Process, VirtualTime } from './virtualTime.ts';

/** What lies between the agents' client and the simulated services. */
export interface Network {
  readonly cloud: CloudServices;
  readonly time: VirtualTime;
  /** Services whose port is closed. */
  readonly closed: Set<ServiceName>;
  /** Requests for evacuations that were sent and not carried out yet. */
  evacuationsUnderWay: number;
  /** Told of each request as it is sent. */
  readonly sent: (exchange: Exchange) => void;
  /** One way, in ms. */
  readonly latency: () => number;
}

export const addressOf = (service: ServiceName) => `http://${service}.cloud`;

/**
 * The wire of one process: its requests reach the simulated services in virtual time. What it had sent when it is
 * killed is on its way all the same, and its answers reach nobody.
 */
export function wireOf(network: Network, process: Process, sender: string): Transport {
  return {
    send: (exchange, timeoutMs) =>
      new Promise((resolve, reject) => {
        const { time } = network;
        network.sent(exchange);
        let out = false;
        let settled = false;
        const settle = (finish: () => void) => {
          if (settled || !process.alive) return;
          settled = true;
          stop();
          finish();
        };
        const fail = (code: 'timeout' | 'unreachable' | 'connectionLost', what: string) =>
          settle(() => {
            const { pathname, search, origin } = exchange.url;
            const facts = { method: exchange.method, path: pathname + search };
            const unanswered = out && exchange.changesState;
            reject(new NovaError(code, `${exchange.service} at ${origin} ${what}`, { ...facts, unanswered }));
          });
        const isEvacuation = exchange.body?.includes('"evacuate"') === true;
        if (isEvacuation) network.evacuationsUnderWay += 1;
        const arrived = () => {
          if (isEvacuation) network.evacuationsUnderWay -= 1;
        };
        const stop = time.after(timeoutMs, () =>
          fail('timeout', `did not answer within ${timeoutMs / 1000} s`),
        );
        time.after(network.latency(), () => {
          const service = serviceAt(exchange.url);
          if (network.closed.has(service)) {
            arrived();
            fail('unreachable', 'cannot be reached: connection refused');
            return;
          }
          out = true;
          void deliver(network, exchange, service, sender).then((outcome) => {
            arrived();
            time.after(network.latency(), () => {
              if (outcome.kind === 'reset' || (outcome.kind === 'reply' && outcome.truncated)) {
                fail('connectionLost', 'broke the connection off before its answer was complete');
              } else if (outcome.kind === 'reply') {
                settle(() => resolve(answerOf(exchange, outcome, network.cloud.world.clock.now())));
              }
            });
          });
        });
      }),
  };
}

function serviceAt(url: URL): ServiceName {
  const name = serviceNames.find((service) => url.origin === addressOf(service));
  if (name === undefined) throw new Error(`nobody answers at ${url.origin}`);
  return name;
}

function deliver(
  { cloud }: Network,
  exchange: Exchange,
  service: ServiceName,
  sender: string,
): Promise<Outcome> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(exchange.headers)) headers[name.toLowerCase()] = value;
  return cloud.answer({
    service,
    method: exchange.method,
    target: exchange.url.pathname + exchange.url.search,
    headers,
    body: exchange.body ?? '',
    origin: exchange.url.origin,
    sender,
  });
}

function answerOf(exchange: Exchange, { reply }: Outcome & { kind: 'reply' }, now: number): Answer {
  const headers: Record<string, string> = { date: httpDate(now) };
  for (const [name, value] of Object.entries(reply.headers)) headers[name.toLowerCase()] = value;
  return {
    exchange,
    status: reply.status,
    requestId: headers['x-openstack-request-id'] ?? null,
    headers,
    text: reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)),
  };
}
