import { createEndpointClient } from '../../local/endpoint-client.ts';
import { answerOf, describeEndpointHost } from '../contract/endpoint-host.ts';
import { openEndpoint } from '../support/endpoint-lab.ts';
import { answerChat } from '../support/fake-engine.ts';

describeEndpointHost('the local endpoint', async () => {
  const { host, url, started } = await openEndpoint((version, response) => answerChat(response, answerOf(version)));
  const successor = () => createEndpointClient({ url, readToken: () => Promise.resolve('secret') });
  const running = () =>
    Promise.resolve(started.filter(({ stopped }) => !stopped).map(({ launch }) => launch.release.version));
  return { host, successor, endpoint: 'summaries', running, close: () => Promise.resolve() };
});
