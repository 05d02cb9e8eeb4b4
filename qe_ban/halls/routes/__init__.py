"""The interface of halls: for everybody who looks, and for the staff who keep apps and places."""
