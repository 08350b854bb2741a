#pragma once

#include <uv.h>

#include "apps/server/cluster_supervisor.h"
#include "apps/server/http_message.h"

namespace loopscope::server {

/// GET /metrics of a cluster: asks every worker, joins what they say. A worker that does not
/// answer within a second shows as loopscope_source_success 0.
class ClusterMetrics {
 public:
  /// `cluster` must outlive this.
  ClusterMetrics(uv_loop_t* loop, const ClusterSupervisor& cluster)
      : loop_(loop), cluster_(cluster) {}

  void scrape(const Reply& reply) const;

 private:
  uv_loop_t* loop_;
  const ClusterSupervisor& cluster_;
};

}  // namespace loopscope::server
