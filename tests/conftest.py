"""Stands here so that pytest puts this folder on the path: the test doubles beside it serve all tests."""
