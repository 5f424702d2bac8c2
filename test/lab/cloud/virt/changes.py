"""Changes of Nova's behaviour in the lab, for whatever starts one of its services: changes.make(). Evacuation depends on
none of them."""
import os


def make():
    # The lab's hypervisor is a driver of Nova's.
    import nova.virt
    nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
    # Zed asks placement for the allocations of every instance of a host at every claim (O(N^2) requests) only to have
    # them at hand for a reshape, which a fake driver never does.
    from nova.scheduler.client import report
    report.SchedulerReportClient.get_allocations_for_provider_tree = lambda self, context, nodename: {}
    # A service is "up" after its first report, which comes 5 s after its start.
    import nova.servicegroup.api
    nova.servicegroup.api.INITIAL_REPORTING_DELAY = 0.3
