"""Thin views: parse, permit, call, render."""
