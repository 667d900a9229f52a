from m5kit.serve.metrics import Metrics


def test_requests_and_batches_are_counted_by_path_and_status():
    metrics = Metrics(("/search",))
    metrics.request("/search", 200, 0.02)
    metrics.request("/search", 422, 0.02)
    metrics.request("/search", 200, 0.02)
    metrics.request("/by-a-client", 404, 0.02)
    metrics.batch(12)
    text = metrics.text().decode()
    assert 'm5kit_requests_total{path="/search",status="200"} 2.0' in text
    assert 'm5kit_requests_total{path="other",status="404"} 1.0' in text
    assert 'm5kit_request_seconds_bucket{le="0.01",path="/search"} 0.0' in text
    assert 'm5kit_batch_items_bucket{le="16.0"} 1.0' in text
    assert "by-a-client" not in text
