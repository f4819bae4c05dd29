"""Grafana dashboards as code: panels in, JSON out, published when a Grafana is named."""
