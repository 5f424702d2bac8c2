"""Changes of Nova's behaviour in the lab, for whatever starts one of its services: changes.make(). Evacuation depends on
none of them."""
import os


def make():
    # The lab's hypervisor is a driver of Nova's.
    import nova.virt
    nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
    # Nova asks placement for the allocations of every instance of a host at every claim (O(N^2) requests) only to have
    # them at hand for a reshape, which a fake driver never does.
    from nova.scheduler.client import report
    report.SchedulerReportClient.get_allocations_for_provider_tree = lambda self, context, nodename: {}
    # A service is "up" after its first report, which comes 5 s after its start.
    import nova.servicegroup.api
    nova.servicegroup.api.INITIAL_REPORTING_DELAY = 0.3
    # From 2024.1 on whoever waits for the answer to an RPC looks for it every half second (Launchpad bug 2035113: a
    # blocking wait could hang under eventlet), so that each call costs that much on an idle machine. Here it looks a
    # hundred times a second.
    from oslo_messaging._drivers import amqpdriver
    amqpdriver.ReplyWaiters.get = _wait_for_reply


def _wait_for_reply(self, msg_id, timeout):
    import queue
    import time
    import oslo_messaging
    end = None if timeout is None else time.monotonic() + timeout
    while end is None or time.monotonic() < end:
        try:
            return self._queues[msg_id].get(block=False)
        except queue.Empty:
            time.sleep(0.01)  # patched by eventlet: others go on
    raise oslo_messaging.MessagingTimeout('Timed out waiting for a reply to message ID %s' % msg_id)
