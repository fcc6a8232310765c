"""What is kept: releases, their figures as vintages, episodes and what is to be sent."""
